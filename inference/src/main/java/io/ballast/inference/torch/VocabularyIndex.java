package io.ballast.inference.torch;

import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.grammar.ByteMachine;
import java.util.Arrays;
import java.util.BitSet;
import java.util.stream.IntStream;

/** The vocabulary in the order of its bytes: which tokens begin so, which are so. */
final class VocabularyIndex {
  private final byte[][] bytes;
  private final int longest;
  private final int[] sorted;
  private final BitSet endOfText = new BitSet();

  /** How many first bytes each token of {@code sorted} shares with the one before it. */
  private final int[] shared;

  VocabularyIndex(Tokenizer tokenizer) {
    int size = tokenizer.vocabularySize();
    bytes = new byte[size][];
    Integer[] order = new Integer[size];
    int count = 0;
    tokenizer.endOfTextIds().forEach(endOfText::set);
    int most = 0;
    for (int id = 0; id < size; id++) {
      bytes[id] = tokenizer.bytesOf(id);
      most = Math.max(most, bytes[id].length);
      if (bytes[id].length > 0) {
        order[count++] = id;
      }
    }
    longest = most;
    Arrays.sort(order, 0, count, (a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
    sorted = new int[count];
    for (int i = 0; i < count; i++) {
      sorted[i] = order[i];
    }
    shared = new int[count];
    for (int i = 1; i < count; i++) {
      int differs = Arrays.mismatch(bytes[sorted[i - 1]], bytes[sorted[i]]);
      shared[i] = differs < 0 ? bytes[sorted[i]].length : differs;
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

  /**
   * Returns the tokens all of whose bytes {@code machine} can read from {@code state} on. Special
   * tokens are none of them. What tokens share is read once.
   */
  BitSet readable(ByteMachine machine, int state) {
    BitSet readable = new BitSet(bytes.length);
    int[] path = new int[longest + 1]; // the states along the token looked at last
    path[0] = state;
    int dead = Integer.MAX_VALUE; // how many of its bytes could not be read
    for (int i = 0; i < sorted.length; i++) {
      if (shared[i] >= dead) {
        continue;
      }
      byte[] token = bytes[sorted[i]];
      dead = Integer.MAX_VALUE;
      for (int at = shared[i]; at < token.length; at++) {
        path[at + 1] = machine.step(path[at], token[at] & 0xFF);
        if (path[at + 1] == ByteMachine.DEAD) {
          dead = at + 1;
          break;
        }
      }
      if (dead == Integer.MAX_VALUE) {
        readable.set(sorted[i]);
      }
    }
    return readable;
  }

  /** The number of ids. */
  int size() {
    return bytes.length;
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
