package io.ballast.policy.core.sample;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.policy.core.sample.Outcome.Failed;
import io.ballast.policy.core.sample.Outcome.Value;
import io.ballast.policy.testing.CharacterTokenizer;
import org.junit.jupiter.api.Test;

/** Prompts as texts and as tokens are the same to a model that wants a token before each text. */
class ContentReaderTest {
  private static final Tokenizer PLAIN = new CharacterTokenizer();
  private static final TokenIds BEGUN = TokenIds.of(1, 'a', 'b');
  private static final TokenIds BARE = TokenIds.of('a', 'b');

  /** Characters, and id 1 before each text, as TinyLlama or Gemma have it. */
  private static final Tokenizer BEGINNING =
      new Tokenizer() {
        @Override
        public TokenIds encode(String text) {
          return PLAIN.encode(text);
        }

        @Override
        public String decode(TokenIds tokens) {
          return PLAIN.decode(tokens).replace("\u0001", "");
        }

        @Override
        public byte[] bytesOf(int id) {
          return PLAIN.bytesOf(id);
        }

        @Override
        public int vocabularySize() {
          return PLAIN.vocabularySize();
        }

        @Override
        public int endOfTextId() {
          return PLAIN.endOfTextId();
        }

        @Override
        public TokenIds beginning() {
          return TokenIds.of(1);
        }
      };

  private static Object tokens(Tokenizer tokenizer, Content content) {
    return new ContentReader(tokenizer, 100).promptTokens("prompt", content);
  }

  private static Object text(Tokenizer tokenizer, TokenIds tokens) {
    return new ContentReader(tokenizer, 100).promptText("prompt", new Content.Tokens(tokens), 32);
  }

  @Test
  void aTextIsBegunAsTheDecoderBeginsIt() {
    assertThat(tokens(BEGINNING, new Content.Text("ab"))).isEqualTo(new Value<>(BEGUN));
    assertThat(tokens(BEGINNING, new Content.Text("\u0001ab"))).isEqualTo(new Value<>(BEGUN));
    assertThat(tokens(PLAIN, new Content.Text("ab"))).isEqualTo(new Value<>(BARE));
  }

  @Test
  void tokensAreTakenAsTheyAre() {
    assertThat(tokens(BEGINNING, new Content.Tokens(BARE))).isEqualTo(new Value<>(BARE));
    assertThat(tokens(BEGINNING, new Content.Tokens(BEGUN))).isEqualTo(new Value<>(BEGUN));
  }

  @Test
  void tokensToSampleFromMayHaveTheBeginningOrNot() {
    assertThat(text(BEGINNING, BEGUN)).isEqualTo(new Value<>("ab"));
    assertThat(text(BEGINNING, BARE)).isEqualTo(new Value<>("ab"));
    assertThat(text(PLAIN, BARE)).isEqualTo(new Value<>("ab"));
    // the beginning alone is no text
    assertThat(text(BEGINNING, TokenIds.of(1))).isInstanceOf(Failed.class);
  }
}
