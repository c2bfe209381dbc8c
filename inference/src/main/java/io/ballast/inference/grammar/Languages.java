package io.ballast.inference.grammar;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.TreeSet;
import org.apache.lucene.util.BytesRef;
import org.apache.lucene.util.automaton.Automata;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Operations;
import org.apache.lucene.util.automaton.Transition;

/**
 * Puts the language of one grammar together from smaller ones: sets of texts over the characters of
 * Unicode. Each step is paid from one budget a grammar before it is taken, so that a hostile
 * grammar costs a fraction of a second of one processor and not minutes.
 */
final class Languages {
  /** The most states of an automaton before it is made deterministic. */
  static final int MAX_PARTS = 60_000;

  /** Lucene looks for the transitions to copy among all that there are; one look is cheap. */
  private static final int SCANS_FOR_ONE_BUILT = 1024;

  /** What is built takes some times as long as what is looked at. */
  private static final int LOOKS_FOR_ONE_BUILT = 4;

  /** A range of characters becomes some ranges of bytes; this many if it is wide. */
  private static final long RANGES_OF_UTF8 = 4;

  /** Lucene shares the states of texts up to this length. */
  private static final int MOST_SHARED_BYTES = Automata.MAX_STRING_UNION_TERM_LENGTH;

  private static final int[] SCALARS = {0, 0xD7FF, 0xE000, Character.MAX_CODE_POINT};

  private final EffortBudget budget;

  Languages() {
    this(new EffortBudget());
  }

  Languages(EffortBudget budget) {
    this.budget = budget;
  }

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
    requireSize(parts.stream().mapToLong(Automaton::getNumStates).sum());
    long copied = 0;
    long after = 0; // the beginnings that follow each accepting state of the part before
    for (Automaton part : parts.reversed()) {
      build(size(part));
      copied += ends(part) * after;
      after = beginnings(part) + (nullable(part) ? after : 0);
    }
    build(copied);
    return Operations.concatenate(parts);
  }

  Automaton sequence(Automaton... parts) {
    return sequence(List.of(parts));
  }

  Automaton choice(List<Automaton> parts) {
    return parts.size() == 1 ? parts.getFirst() : union(parts);
  }

  private Automaton union(List<Automaton> parts) {
    requireSize(parts.stream().mapToLong(Automaton::getNumStates).sum());
    for (Automaton part : parts) {
      build(size(part) + beginnings(part));
    }
    return Operations.union(parts);
  }

  /** One of these texts; one automaton for all, in which beginnings and ends are shared. */
  Automaton oneOf(List<String> texts) {
    List<BytesRef> shared = new ArrayList<>();
    List<Automaton> parts = new ArrayList<>();
    for (String text : new TreeSet<>(texts)) {
      BytesRef bytes = new BytesRef(text);
      build(bytes.length);
      if (bytes.length <= MOST_SHARED_BYTES) {
        shared.add(bytes);
      } else {
        parts.add(text(text));
      }
    }
    if (!shared.isEmpty()) {
      shared.sort(Comparator.naturalOrder());
      parts.add(Automata.makeStringUnion(shared));
    }
    return choice(parts);
  }

  Automaton choice(Automaton... parts) {
    return choice(List.of(parts));
  }

  Automaton optional(Automaton part) {
    build(size(part));
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
    long size = members.stream().mapToLong(Languages::size).sum();
    long ends = members.stream().mapToLong(Languages::ends).sum();
    requireSize(2 * members.stream().mapToLong(Automaton::getNumStates).sum());
    build(2 * size);
    build((2 * ends + 4L * members.size()) * 2 * size / SCANS_FOR_ONE_BUILT);
    // two states before each member: some stand before it, or none; built from the last to the
    // first, since an epsilon copies what its target has by then
    Automaton.Builder all = new Automaton.Builder();
    int none = all.createState(); // the start
    int afterSome = all.createState();
    all.setAccept(afterSome, true);
    int afterNone = all.createState();
    all.setAccept(afterNone, true);
    long beginnings = 0; // of what may follow a member
    for (int i = members.size() - 1; i >= 0; i--) {
      boolean optional = !required.get(i);
      build(2L * ends(members.get(i)) * beginnings);
      beginnings = beginnings(comma) + (optional ? beginnings : 0);
      build(2 * (beginnings + beginnings(members.get(i))));
      int first = append(all, members.get(i), afterSome);
      int further = append(all, sequence(comma, members.get(i)), afterSome);
      afterNone = either(all, first, optional ? afterNone : -1);
      afterSome = either(all, further, optional ? afterSome : -1);
    }
    all.addEpsilon(none, afterNone);
    return all.finish();
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
    build((long) one.getNumStates() * other.getNumTransitions());
    build((long) other.getNumStates() * one.getNumTransitions());
    return Operations.intersection(one, other);
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
    if (each.getNumStates() == 0 || most == 0) {
      return empty(); // it was the only text
    }
    long copies = most < 0 ? Math.max(1, fewest) : most;
    requireSize(each.getNumStates() * copies);
    build(copies * size(each));
    build(copies * ends(each) * beginnings(each));
    return inARow(each, fewest, (int) copies, most < 0);
  }

  /**
   * So many copies of {@code each} in a row. (Lucene's own looks through all transitions for each
   * state that a copy ends in.)
   *
   * @param each has not the empty text
   * @param fewest the text may end after so many
   * @param goesOn whether the last copy may be followed by itself
   */
  private static Automaton inARow(Automaton each, int fewest, int copies, boolean goesOn) {
    int states = each.getNumStates();
    Automaton all = new Automaton(1 + states * copies, copies * (each.getNumTransitions() + 1));
    for (int state = 0; state <= states * copies; state++) {
      int unused = all.createState();
    }
    all.setAccept(0, fewest == 0);
    copyTransitions(each, 0, all, 0, 1);
    for (int copy = 0; copy < copies; copy++) {
      int first = 1 + copy * states;
      int next = copy + 1 < copies ? first + states : first;
      for (int state = 0; state < states; state++) {
        copyTransitions(each, state, all, first + state, first);
        if (each.isAccept(state)) {
          all.setAccept(first + state, copy + 1 >= fewest);
          if (next != first || goesOn) {
            copyTransitions(each, 0, all, first + state, next);
          }
        }
      }
    }
    all.finishState();
    return all;
  }

  /**
   * Lets state {@code source} go where {@code state} goes in a copy that begins at {@code first}.
   */
  private static void copyTransitions(
      Automaton each, int state, Automaton all, int source, int first) {
    Transition transition = new Transition();
    int count = each.initTransition(state, transition);
    for (int i = 0; i < count; i++) {
      each.getNextTransition(transition);
      all.addTransition(source, first + transition.dest, transition.min, transition.max);
    }
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
    budget.spend(size(part));
    return Subsets.deterministic(Operations.removeDeadStates(part), budget);
  }

  /** The bytes of the texts. */
  Automaton utf8(Automaton characters) {
    build(characters.getNumStates() + RANGES_OF_UTF8 * characters.getNumTransitions());
    return Utf8.bytes(characters);
  }

  /** Pays for states and transitions to be copied, sorted and made an automaton of. */
  private void build(long statesAndTransitions) {
    budget.spend(LOOKS_FOR_ONE_BUILT * statesAndTransitions);
  }

  private static long size(Automaton part) {
    return part.getNumStates() + (long) part.getNumTransitions();
  }

  private static long ends(Automaton part) {
    return part.getAcceptStates().cardinality();
  }

  private static boolean nullable(Automaton part) {
    return part.getNumStates() > 0 && part.isAccept(0);
  }

  private static int beginnings(Automaton part) {
    return part.getNumStates() == 0 ? 0 : part.getNumTransitions(0);
  }

  static void requireSize(long states) {
    if (states > MAX_PARTS) {
      throw new IllegalArgumentException(
          "too complex: %,d states (expected: at most %,d)".formatted(states, MAX_PARTS));
    }
  }
}
