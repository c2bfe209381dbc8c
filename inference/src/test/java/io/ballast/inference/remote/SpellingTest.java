package io.ballast.inference.remote;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** Tokens that are not told, or are not the model's, show in the text. */
class SpellingTest {
  private final Spelling spelling = new Spelling();

  private void token(String text) {
    spelling.token(text.getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void textMayComeLaterThanItsTokens() {
    token("foo");
    assertThat(spelling.spells("")).isTrue();
    token("bar");
    assertThat(spelling.spells("foob")).isTrue();
    assertThat(spelling.spells("ar")).isTrue();
    assertThat(spelling.spells("x")).isFalse();
  }

  @Test
  void otherTextIsNoticed() {
    token("foo");
    assertThat(spelling.spells("fop")).isFalse();
  }

  @Test
  void spacesThatServersTakeAwayAreNoFault() {
    token(" foo");
    token(" .");
    assertThat(spelling.spells("foo.")).isTrue();
  }

  @Test
  void aCharacterInTwoTokensIsSpelledByBothAndNotByOne() {
    byte[] accent = "é".getBytes(StandardCharsets.UTF_8);
    spelling.token(new byte[] {accent[0]});
    assertThat(spelling.spells("\uFFFD")).as("what is not whole yet").isTrue();
    spelling.token(new byte[] {accent[1]});
    assertThat(spelling.spells("é")).isTrue();

    Spelling lacking = new Spelling();
    lacking.token(new byte[] {accent[1]});
    assertThat(lacking.spells("é")).isFalse();
  }
}
