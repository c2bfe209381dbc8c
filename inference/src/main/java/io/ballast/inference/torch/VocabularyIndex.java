package io.ballast.inference.torch;

import io.ballast.inference.api.Tokenizer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/** The vocabulary in the order of its bytes: which tokens begin so, which are so. */
final class VocabularyIndex {
  private final byte[][] bytes;
  private final int[] sorted;
  private final BitSet endOfText = new BitSet();

  VocabularyIndex(Tokenizer tokenizer) {
    int size = tokenizer.vocabularySize();
    bytes = new byte[size][];
    Integer[] order = new Integer[size];
    int count = 0;
    tokenizer.endOfTextIds().forEach(endOfText::set);
    for (int id = 0; id < size; id++) {
      bytes[id] = tokenizer.bytesOf(id);
      if (bytes[id].length > 0) {
        order[count++] = id;
      }
    }
    Arrays.sort(order, 0, count, (a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
    sorted = new int[count];
    for (int i = 0; i < count; i++) {
      sorted[i] = order[i];
    }
  }

  /** Whether a token begins with {@code prefix} and goes on after it. */
  boolean canExtend(byte[] prefix) {
    int at = firstNotBelow(prefix);
    while (at < sorted.length && bytes[sorted[at]].length == prefix.length) {
      if (!Arrays.equals(bytes[sorted[at]], prefix)) {
        return false;
      }
      at++; // the same bytes twice: an added token
    }
    return at < sorted.length && startsWith(bytes[sorted[at]], prefix);
  }

  /**
   * Returns the tokens that agree with {@code typed}: those that begin with it, and those that it
   * begins with. Special tokens never agree.
   */
  BitSet agreeing(byte[] typed) {
    BitSet agreeing = new BitSet(bytes.length);
    for (int length = 1; length <= typed.length; length++) {
      byte[] prefix = Arrays.copyOf(typed, length);
      boolean whole = length == typed.length;
      for (int at = firstNotBelow(prefix);
          at < sorted.length && startsWith(bytes[sorted[at]], prefix);
          at++) {
        if (whole || bytes[sorted[at]].length == length) {
          agreeing.set(sorted[at]);
        } else {
          break; // longer ones agree with a longer prefix, or not at all
        }
      }
    }
    return agreeing;
  }

  private int firstNotBelow(byte[] key) {
    int low = 0;
    int high = sorted.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (Arrays.compareUnsigned(bytes[sorted[middle]], key) < 0) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static boolean startsWith(byte[] text, byte[] prefix) {
    return text.length >= prefix.length
        && Arrays.equals(text, 0, prefix.length, prefix, 0, prefix.length);
  }

  /** The tokens that end a text. */
  IntStream endOfTextIds() {
    return endOfText.stream();
  }

  /** Whether a token ends a text. */
  boolean endsText(int id) {
    return endOfText.get(id);
  }

  /** The bytes of a token, not copied. */
  byte[] bytesOf(int id) {
    return bytes[id];
  }
}
