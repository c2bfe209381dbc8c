package io.ballast.orchestrator.testing;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.nio.charset.StandardCharsets;

/** A token for each byte, the byte plus one; 0 ends a text. */
public final class ByteTokenizer implements Tokenizer {
  @Override
  public TokenIds encode(String text) {
    return FakeWorld.tokens(text);
  }

  @Override
  public String decode(TokenIds tokens) {
    byte[] bytes = new byte[tokens.size()];
    for (int t = 0; t < bytes.length; t++) {
      bytes[t] = (byte) (tokens.get(t) - 1);
    }
    return new String(bytes, StandardCharsets.UTF_8);
  }

  @Override
  public byte[] bytesOf(int id) {
    return id == endOfTextId() ? new byte[0] : new byte[] {(byte) (id - 1)};
  }

  @Override
  public int vocabularySize() {
    return 257;
  }

  @Override
  public int endOfTextId() {
    return 0;
  }
}
