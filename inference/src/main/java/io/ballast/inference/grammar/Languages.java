package io.ballast.inference.grammar;

import java.util.BitSet;
import java.util.List;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.TooComplexToDeterminizeException;

/**
 * Puts the language of one grammar together from smaller ones: sets of texts over the characters of
 * Unicode. Counts what it makes, so that a hostile grammar costs a second and not a minute.
 */
final class Languages {
  /** The most states of an automaton before it is made deterministic. */
  static final int MAX_PARTS = 60_000;

  private static final int MAX_TRANSITIONS = 4_000_000;

  private static final int MAX_MADE = 1_000_000;

  /** In tens of states looked at; a third of a second. */
  private static final int DETERMINIZE_EFFORT = 50_000;

  private static final int[] SCALARS = {0, 0xD7FF, 0xE000, Character.MAX_CODE_POINT};

  private long made;

  /** Exactly this text. */
  static Automaton text(String text) {
    return Automata.makeString(text);
  }

  static Automaton empty() {
    return Automata.makeEmptyString();
  }

  /** One character out of inclusive ranges, in ascending order; halves of pairs are left out. */
  static Automaton character(int... ranges) {
    int[] from = new int[ranges.length];
    int[] to = new int[ranges.length];
    int count = 0;
    for (int i = 0; i < ranges.length; i += 2) {
      for (int s = 0; s < SCALARS.length; s += 2) {
        int low = Math.max(ranges[i], SCALARS[s]);
        int high = Math.min(ranges[i + 1], SCALARS[s + 1]);
        if (low <= high) {
          from[count] = low;
          to[count++] = high;
        }
      }
    }
    if (count == 0) {
      return Automata.makeEmpty();
    }
    Automaton one = new Automaton();
    int start = one.createState();
    int end = one.createState();
    one.setAccept(end, true);
    for (int i = 0; i < count; i++) {
      one.addTransition(start, end, from[i], to[i]);
    }
    one.finishState();
    return one;
  }

  /** Any one character. */
  static Automaton any() {
    return character(0, Character.MAX_CODE_POINT);
  }

  Automaton sequence(List<Automaton> parts) {
    long nullable = parts.stream().filter(Languages::nullable).count();
    long states = parts.stream().mapToLong(Automaton::getNumStates).sum();
    long starts = parts.stream().mapToLong(Languages::beginnings).sum();
    requireSize(states);
    // from each part that may be empty, the beginnings of all that follow are copied
    requireTransitions(nullable * starts);
    return counted(Operations.concatenate(parts));
  }

  Automaton sequence(Automaton... parts) {
    return sequence(List.of(parts));
  }

  Automaton choice(List<Automaton> parts) {
    return parts.size() == 1 ? parts.getFirst() : union(parts);
  }

  private Automaton union(List<Automaton> parts) {
    requireSize(parts.stream().mapToLong(Automaton::getNumStates).sum());
    return counted(Operations.union(parts));
  }

  Automaton choice(Automaton... parts) {
    return choice(List.of(parts));
  }

  Automaton optional(Automaton part) {
    return Operations.optional(part);
  }

  /**
   * Members in their order, a comma before each but the first that is there.
   *
   * @param members what each looks like
   * @param comma what stands between two
   * @param required which must be there
   */
  Automaton members(List<Automaton> members, Automaton comma, BitSet required) {
    requireSize(2 * members.stream().mapToLong(Automaton::getNumStates).sum());
    // two states before each member: some stand before it, or none; built from the last to the
    // first, since an epsilon copies what its target has by then
    Automaton.Builder all = new Automaton.Builder();
    int none = all.createState(); // the start
    int afterSome = all.createState();
    all.setAccept(afterSome, true);
    int afterNone = all.createState();
    all.setAccept(afterNone, true);
    for (int i = members.size() - 1; i >= 0; i--) {
      boolean optional = !required.get(i);
      int first = append(all, members.get(i), afterSome);
      int further = append(all, sequence(comma, members.get(i)), afterSome);
      afterNone = either(all, first, optional ? afterNone : -1);
      afterSome = either(all, further, optional ? afterSome : -1);
    }
    all.addEpsilon(none, afterNone);
    return counted(all.finish());
  }

  /** Adds a copy of {@code part} that goes on with state {@code next}; returns its start. */
  private static int append(Automaton.Builder all, Automaton part, int next) {
    int offset = all.getNumStates();
    all.copy(part);
    BitSet ends = part.getAcceptStates();
    for (int end = ends.nextSetBit(0); end >= 0; end = ends.nextSetBit(end + 1)) {
      all.setAccept(offset + end, false);
      all.addEpsilon(offset + end, next);
    }
    return offset;
  }

  private static int either(Automaton.Builder all, int one, int other) {
    int state = all.createState();
    all.addEpsilon(state, one);
    if (other >= 0) {
      all.addEpsilon(state, other);
    }
    return state;
  }

  /** The texts that are in both. */
  Automaton both(Automaton one, Automaton other) {
    requireSize((long) one.getNumStates() * other.getNumStates());
    return counted(Operations.intersection(one, other));
  }

  /**
   * Returns {@code part} so many times.
   *
   * @param most no limit if negative
   */
  Automaton repeat(Automaton part, int least, int most) {
    Automaton each = deterministic(part);
    if (each.getNumStates() == 0) {
      return least == 0 ? empty() : each;
    }
    int fewest = nullable(each) ? 0 : least;
    each = withoutEmpty(each);
    long copies = Math.max(1, Math.max(fewest, most));
    requireSize(each.getNumStates() * copies);
    requireTransitions(copies * each.getAcceptStates().cardinality() * beginnings(each));
    return counted(
        most < 0 ? Operations.repeat(each, fewest) : Operations.repeat(each, fewest, most));
  }

  /** Without the empty text, so that copies in a row are not reached past one another. */
  private Automaton withoutEmpty(Automaton part) {
    if (!nullable(part)) {
      return part;
    }
    Automaton.Builder some = new Automaton.Builder();
    int start = some.createState();
    some.copy(part);
    some.addEpsilon(start, 1);
    some.setAccept(start, false);
    return Operations.removeDeadStates(some.finish());
  }

  /** The same language with one state for each beginning of a text. */
  Automaton deterministic(Automaton part) {
    requireSize(part.getNumStates());
    try {
      return counted(Operations.determinize(Operations.removeDeadStates(part), DETERMINIZE_EFFORT));
    } catch (TooComplexToDeterminizeException e) {
      throw new IllegalArgumentException("too complex: its automaton grows without measure", e);
    }
  }

  /** Whatever is put together inside something else is copied: all copies count. */
  private Automaton counted(Automaton whole) {
    made += whole.getNumStates() + whole.getNumTransitions();
    if (made > MAX_MADE) {
      throw new IllegalArgumentException(
          "too complex: more than %,d states and transitions on the way".formatted(MAX_MADE));
    }
    return whole;
  }

  private static boolean nullable(Automaton part) {
    return part.getNumStates() > 0 && part.isAccept(0);
  }

  private static int beginnings(Automaton part) {
    return part.getNumStates() == 0 ? 0 : part.getNumTransitions(0);
  }

  private static void requireTransitions(long transitions) {
    if (transitions > MAX_TRANSITIONS) {
      throw new IllegalArgumentException(
          "too complex: %,d transitions (expected: at most %,d)"
              .formatted(transitions, MAX_TRANSITIONS));
    }
  }

  private static void requireSize(long states) {
    if (states > MAX_PARTS) {
      throw new IllegalArgumentException(
          "too complex: %,d states (expected: at most %,d)".formatted(states, MAX_PARTS));
    }
  }
}
