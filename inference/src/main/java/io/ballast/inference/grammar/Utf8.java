package io.ballast.inference.grammar;

import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Transition;

/**
 * Turns an automaton over characters into one over the bytes of their UTF-8: exactly the shortest
 * forms, so that no text that it accepts is ill-formed. States before the same last bytes are
 * shared. (Lucene's own conversion takes ill-formed bytes too, which its index never holds.)
 *
 * <p>The split of a range follows Thompson 1992 as told in Cox 2010, "Regular Expression Matching
 * in the Wild".
 */
final class Utf8 {
  private static final int[] LAST_OF_LENGTH = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
  private static final int FOLLOWING_BITS = 6;

  private record Last(int low, int high, int to) {}

  private final Automaton.Builder bytes = new Automaton.Builder();
  private final Map<Last, Integer> shared = new HashMap<>();

  private Utf8() {}

  /** Returns the automaton over bytes; not deterministic if {@code characters} is not. */
  static Automaton bytes(Automaton characters) {
    return new Utf8().convert(characters);
  }

  private Automaton convert(Automaton characters) {
    for (int state = 0; state < characters.getNumStates(); state++) {
      bytes.setAccept(bytes.createState(), characters.isAccept(state));
    }
    Transition transition = new Transition();
    for (int state = 0; state < characters.getNumStates(); state++) {
      int count = characters.initTransition(state, transition);
      for (int i = 0; i < count; i++) {
        characters.getNextTransition(transition);
        byLength(state, transition.min, transition.max, transition.dest);
      }
    }
    return bytes.finish();
  }

  private void byLength(int from, int low, int high, int to) {
    int first = low;
    for (int length = 1; length <= LAST_OF_LENGTH.length; length++) {
      int last = Math.min(high, LAST_OF_LENGTH[length - 1]);
      if (first <= last) {
        byPrefix(from, first, last, length, to);
        first = last + 1;
      }
    }
  }

  /** Splits a range until its ends differ in one byte, and all bytes after it take any value. */
  private void byPrefix(int from, int low, int high, int length, int to) {
    for (int following = 1; following < length; following++) {
      int rest = (1 << (FOLLOWING_BITS * following)) - 1;
      if ((low & ~rest) != (high & ~rest)) {
        if ((low & rest) != 0) {
          byPrefix(from, low, low | rest, length, to);
          byPrefix(from, (low | rest) + 1, high, length, to);
          return;
        }
        if ((high & rest) != rest) {
          byPrefix(from, low, (high & ~rest) - 1, length, to);
          byPrefix(from, high & ~rest, high, length, to);
          return;
        }
      }
    }
    int next = to;
    for (int following = 0; following < length - 1; following++) {
      int shift = FOLLOWING_BITS * following;
      next = before(0x80 | ((low >> shift) & 0x3F), 0x80 | ((high >> shift) & 0x3F), next);
    }
    bytes.addTransition(from, next, lead(low, length), lead(high, length));
  }

  private static int lead(int character, int length) {
    return length == 1
        ? character
        : (0xF00 >> length & 0xFF) | character >> (FOLLOWING_BITS * (length - 1));
  }

  private int before(int low, int high, int to) {
    return shared.computeIfAbsent(
        new Last(low, high, to),
        key -> {
          int state = bytes.createState();
          bytes.addTransition(state, key.to(), key.low(), key.high());
          return state;
        });
  }
}
