package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.workshop.programmer.Outcome;
import io.ballast.workshop.scoring.LabelledCompletion.Drawn;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A group given as texts keeps its labels and forgets what its tokens told beyond them. */
class TextFormsTest {
  private static final LabelledGroup DRAWN =
      new LabelledGroup(
          "A.java",
          TokenIds.of(7, 8),
          "abcd",
          List.of(
              new LabelledCompletion(
                  TokenIds.of('d', 'e', '\n'),
                  0,
                  3,
                  true,
                  Optional.of(
                      new Drawn(
                          "e", PerToken.of(-1, -2, -3), StopReason.STOP_STRING, Outcome.EDITED)))));

  @Test
  void everyThirdGroupIsRewritten() {
    List<LabelledGroup> groups = IntStream.range(0, 7).mapToObj(i -> copy(DRAWN)).toList();
    TextForms forms = TextForms.of(groups, 3, new Bytes());
    assertThat(IntStream.range(0, 7).filter(i -> forms.isText(forms.groups().get(i))))
        .containsExactly(2, 5);
    assertThat(forms.groups().get(0)).isSameAs(groups.get(0));
    LabelledGroup text = forms.groups().get(2);
    assertThat(text.prompt()).isEqualTo(TokenIds.of('c', 'd')); // as many tokens as it had
    assertThat(text.completions())
        .containsExactly(new LabelledCompletion(TokenIds.of('e'), 0, 3, true));
  }

  @Test
  void aGroupWithoutTextsStaysAsItIs() {
    LabelledGroup tokens = new LabelledGroup("B.java", TokenIds.of(1), List.of());
    TextForms forms = TextForms.of(List.of(tokens), 1, new Bytes());
    assertThat(forms.groups()).containsExactly(tokens);
    assertThat(forms.isText(tokens)).isFalse();
  }

  private static LabelledGroup copy(LabelledGroup group) {
    return new LabelledGroup(group.file(), group.prompt(), group.promptText(), group.completions());
  }

  /** A token a byte. */
  private static final class Bytes implements Tokenizer {
    @Override
    public TokenIds encode(String text) {
      return TokenIds.of(text.chars().toArray());
    }

    @Override
    public String decode(TokenIds tokens) {
      return new String(bytesOf(0), StandardCharsets.US_ASCII).repeat(tokens.size());
    }

    @Override
    public byte[] bytesOf(int id) {
      return new byte[] {(byte) id};
    }

    @Override
    public int vocabularySize() {
      return 128;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
