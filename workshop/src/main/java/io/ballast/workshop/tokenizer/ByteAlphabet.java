package io.ballast.workshop.tokenizer;

import java.nio.charset.StandardCharsets;

/**
 * The printable character that stands for each byte in a byte-level {@code tokenizer.json}.
 *
 * <p>Printable Latin-1 characters stand for themselves; the other 68 bytes, in order, are given the
 * characters from U+0100 on. Source: the public layout of GPT-2's vocabulary, which every reader of
 * the format expects.
 */
final class ByteAlphabet {
  private static final char[] CHARACTER_OF_BYTE = new char[256];
  private static final int[] ORDER = new int[256];

  static {
    int printable = 0;
    int other = 0;
    for (int b = 0; b < 256; b++) {
      if (isPrintable(b)) {
        CHARACTER_OF_BYTE[b] = (char) b;
        ORDER[printable++] = b;
      }
    }
    for (int b = 0; b < 256; b++) {
      if (!isPrintable(b)) {
        CHARACTER_OF_BYTE[b] = (char) (256 + other);
        ORDER[printable + other++] = b;
      }
    }
  }

  private ByteAlphabet() {}

  private static boolean isPrintable(int b) {
    return (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || (b >= 0xAE && b <= 0xFF);
  }

  /** Returns the byte with the {@code index}-th lowest character, 0 ≤ index &lt; 256. */
  static int byteAt(int index) {
    return ORDER[index];
  }

  /** Returns {@code bytes} as characters of the alphabet. */
  static String spell(byte[] bytes) {
    StringBuilder spelled = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      spelled.append(CHARACTER_OF_BYTE[b & 0xFF]);
    }
    return spelled.toString();
  }

  /** Returns the UTF-8 bytes of {@code text} as characters of the alphabet. */
  static String spell(String text) {
    return spell(text.getBytes(StandardCharsets.UTF_8));
  }
}
