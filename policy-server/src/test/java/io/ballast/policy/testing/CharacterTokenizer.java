package io.ballast.policy.testing;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.nio.charset.StandardCharsets;

/** One token for each character of the basic plane; id 0 ends a text. */
public final class CharacterTokenizer implements Tokenizer {
  public static final int VOCABULARY = 65_536;

  private final int vocabularySize;

  public CharacterTokenizer() {
    this(VOCABULARY);
  }

  /** One that knows only the first so many characters. */
  public CharacterTokenizer(int vocabularySize) {
    this.vocabularySize = vocabularySize;
  }

  @Override
  public TokenIds encode(String text) {
    return TokenIds.of(text.chars().toArray());
  }

  @Override
  public String decode(TokenIds tokens) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < tokens.size(); i++) {
      if (tokens.get(i) != endOfTextId()) {
        text.append((char) tokens.get(i));
      }
    }
    return text.toString();
  }

  @Override
  public byte[] bytesOf(int id) {
    return Character.toString(id).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public int vocabularySize() {
    return vocabularySize;
  }

  @Override
  public int endOfTextId() {
    return 0;
  }
}
