package io.ballast.inference.brought;

import io.ballast.inference.api.TokenIds;
import java.nio.charset.StandardCharsets;

/** A text as a row of numbers, for a model that splits texts itself: its bytes in UTF-8. */
final class TextBytes {
  private TextBytes() {}

  static TokenIds row(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] row = new int[bytes.length];
    for (int i = 0; i < row.length; i++) {
      row[i] = Byte.toUnsignedInt(bytes[i]);
    }
    return TokenIds.of(row);
  }

  static byte[] bytes(TokenIds row) {
    byte[] bytes = new byte[row.size()];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) row.get(i);
    }
    return bytes;
  }
}
