package io.ballast.inference.torch;

import java.util.Arrays;

/**
 * The printable characters in which byte-level BPE vocabularies write bytes: printable Latin-1
 * stands for itself, the other bytes for U+0100 and up in order. Source: Radford et al. 2019
 * (GPT-2).
 */
final class ByteLevelAlphabet {
  private static final char[] CHARACTERS = new char[256];
  private static final int[] BYTES = new int[512];

  static {
    Arrays.fill(BYTES, -1);
    char next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xFF && b != 0xAD);
      CHARACTERS[b] = printable ? (char) b : next++;
      BYTES[CHARACTERS[b]] = b;
    }
  }

  private ByteLevelAlphabet() {}

  /** Returns the character for the byte {@code value}, 0 to 255. */
  static char character(int value) {
    return CHARACTERS[value];
  }

  /**
   * Returns the bytes that {@code token} stands for.
   *
   * @throws IllegalArgumentException if a character stands for none
   */
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= BYTES.length || BYTES[c] < 0) {
        throw new IllegalArgumentException("token \"" + token + "\" is not byte-level");
      }
      bytes[i] = (byte) BYTES[c];
    }
    return bytes;
  }
}
