package io.ballast.inference.remote;

import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;

/** Ids are bytes plus 1; 0 ends a text. */
public final class ByteTokenizer implements Tokenizer {
  @Override
  public TokenIds encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = Byte.toUnsignedInt(bytes[i]) + 1;
    }
    return TokenIds.of(ids);
  }

  @Override
  public String decode(TokenIds tokens) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int i = 0; i < tokens.size(); i++) {
      bytes.writeBytes(bytesOf(tokens.get(i)));
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public byte[] bytesOf(int id) {
    return id == 0 ? new byte[0] : new byte[] {(byte) (id - 1)};
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
