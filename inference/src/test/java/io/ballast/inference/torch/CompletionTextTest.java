package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Text appears as soon as it is certain, and no sooner. */
class CompletionTextTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void plainTextAppearsAtOnce() {
    CompletionText text = new CompletionText(List.of(), 0);
    assertThat(text.append(bytes("foo"))).isEqualTo("foo");
    assertThat(text.append(bytes("();"))).isEqualTo("();");
    assertThat(text.text()).isEqualTo("foo();");
  }

  @Test
  void aCharacterWaitsForItsLastByte() {
    byte[] balloon = bytes("🎈");
    CompletionText text = new CompletionText(List.of(), 0);
    for (int i = 0; i < 3; i++) {
      assertThat(text.append(new byte[] {balloon[i]})).isEmpty();
    }
    assertThat(text.append(new byte[] {balloon[3]})).isEqualTo("🎈");
    assertThat(text.finish()).isEmpty();
  }

  @Test
  void aCharacterThatNeverEndsBecomesTheReplacementCharacter() {
    CompletionText text = new CompletionText(List.of(), 0);
    assertThat(text.append(new byte[] {'a', (byte) 0xF0})).isEqualTo("a");
    assertThat(text.finish()).isEqualTo("\uFFFD");
  }

  @Test
  void theTextEndsBeforeAStopStringThatSpansTokens() {
    CompletionText text = new CompletionText(List.of("\n}", "//"), 0);
    assertThat(text.append(bytes("x;\n"))).isEqualTo("x;");
    assertThat(text.append(bytes("}y"))).isEmpty();
    assertThat(text.stopped()).isTrue();
    assertThat(text.text()).isEqualTo("x;");
  }

  @Test
  void whatOnlyLookedLikeAStopStringAppearsLater() {
    CompletionText text = new CompletionText(List.of("\n}"), 0);
    assertThat(text.append(bytes("x;\n"))).isEqualTo("x;");
    assertThat(text.append(bytes("y"))).isEqualTo("\ny");
    assertThat(text.append(bytes("\n"))).isEmpty();
    assertThat(text.finish()).isEqualTo("\n");
    assertThat(text.text()).isEqualTo("x;\ny\n");
  }

  @Test
  void theFirstOfSeveralStopStringsCounts() {
    CompletionText text = new CompletionText(List.of("c", "bc"), 0);
    assertThat(text.append(bytes("abc"))).isEqualTo("a");
    assertThat(text.text()).isEqualTo("a");
  }

  @Test
  void whatWasTypedAlreadyIsLeftOutEvenAcrossTokens() {
    CompletionText text = new CompletionText(List.of(), 3);
    assertThat(text.append(bytes("pr"))).isEmpty();
    assertThat(text.append(bytes("intln"))).isEqualTo("ntln");
    assertThat(text.text()).isEqualTo("ntln");
  }
}
