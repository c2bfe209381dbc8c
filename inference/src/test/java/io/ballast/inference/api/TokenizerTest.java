package io.ballast.inference.api;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.remote.ByteTokenizer;
import org.junit.jupiter.api.Test;

/** What stands before a text is there once, whoever put it there. */
class TokenizerTest {
  private static final TokenIds BEGINNING = TokenIds.of(1, 2);

  private static Tokenizer tokenizer(TokenIds beginning) {
    Tokenizer bytes = new ByteTokenizer();
    return new Tokenizer() {
      @Override
      public TokenIds encode(String text) {
        return bytes.encode(text);
      }

      @Override
      public String decode(TokenIds tokens) {
        return bytes.decode(tokens);
      }

      @Override
      public byte[] bytesOf(int id) {
        return bytes.bytesOf(id);
      }

      @Override
      public int vocabularySize() {
        return bytes.vocabularySize();
      }

      @Override
      public int endOfTextId() {
        return bytes.endOfTextId();
      }

      @Override
      public TokenIds beginning() {
        return beginning;
      }
    };
  }

  @Test
  void tokensAreBegunIfAllOfTheBeginningIsThere() {
    Tokenizer two = tokenizer(BEGINNING);
    assertThat(two.begun(TokenIds.of(1, 2))).isTrue();
    assertThat(two.begun(TokenIds.of(1, 2, 9))).isTrue();
    assertThat(two.begun(TokenIds.of(1))).isFalse();
    assertThat(two.begun(TokenIds.of(2, 1, 2))).isFalse();
    assertThat(tokenizer(TokenIds.of()).begun(TokenIds.of(7))).isTrue();
  }

  @Test
  void theBeginningIsTakenAwayIfSomethingFollowsIt() {
    Tokenizer two = tokenizer(BEGINNING);
    assertThat(two.withoutBeginning(TokenIds.of(1, 2, 9, 8))).isEqualTo(TokenIds.of(9, 8));
    assertThat(two.withoutBeginning(TokenIds.of(1, 2))).isEqualTo(TokenIds.of(1, 2));
    assertThat(two.withoutBeginning(TokenIds.of(9, 1, 2))).isEqualTo(TokenIds.of(9, 1, 2));
    assertThat(tokenizer(TokenIds.of()).withoutBeginning(TokenIds.of(7))).isEqualTo(TokenIds.of(7));
  }
}
