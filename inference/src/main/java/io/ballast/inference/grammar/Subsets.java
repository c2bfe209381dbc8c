package io.ballast.inference.grammar;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.Transition;

/**
 * Makes an automaton deterministic: its states become the sets of states in which the first may be
 * (Rabin &amp; Scott 1959, §4). As Lucene's, but every look at a state of a set is paid for, not
 * each set once, so that wide sets over many ranges cannot cost more than the budget.
 */
final class Subsets {
  private final Automaton from;
  private final EffortBudget budget;
  private final Automaton made = new Automaton();
  private final Map<States, Integer> known = new HashMap<>();
  private final Deque<States> open = new ArrayDeque<>();

  /** Ascending states; the hash is computed once. */
  private static final class States {
    final int[] ids;
    private final int hash;

    States(int[] ids) {
      this.ids = ids;
      this.hash = Arrays.hashCode(ids);
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof States states && Arrays.equals(ids, states.ids);
    }

    @Override
    public int hashCode() {
      return hash;
    }
  }

  private Subsets(Automaton from, EffortBudget budget) {
    this.from = from;
    this.budget = budget;
  }

  /** Returns the same language, each state with at most one successor for a character. */
  static Automaton deterministic(Automaton from, EffortBudget budget) {
    if (from.isDeterministic() || from.getNumStates() == 0) {
      return from;
    }
    return new Subsets(from, budget).run();
  }

  private Automaton run() {
    state(new States(new int[] {0}));
    for (int source = 0; !open.isEmpty(); source++) {
      follow(source, open.remove());
    }
    made.finishState();
    return made;
  }

  private int state(States states) {
    Integer before = known.get(states);
    if (before != null) {
      return before;
    }
    int state = made.createState();
    for (int id : states.ids) {
      if (from.isAccept(id)) {
        made.setAccept(state, true);
        break;
      }
    }
    known.put(states, state);
    open.add(states);
    return state;
  }

  /** Adds the transitions of one set: one for each range on which the same states are reached. */
  private void follow(int source, States states) {
    int count = 0;
    for (int id : states.ids) {
      count += from.getNumTransitions(id);
    }
    budget.spend(states.ids.length + (long) count);
    long[] begins = new long[count]; // a character and the state that is reached from it on
    long[] ends = new long[count]; // and the last character but one until which it is
    Transition transition = new Transition();
    int at = 0;
    for (int id : states.ids) {
      int transitions = from.initTransition(id, transition);
      for (int i = 0; i < transitions; i++) {
        from.getNextTransition(transition);
        begins[at] = (long) transition.min << 32 | transition.dest;
        ends[at++] = (long) (transition.max + 1) << 32 | transition.dest;
      }
    }
    Arrays.sort(begins);
    Arrays.sort(ends);
    Reached reached = new Reached();
    int began = 0;
    int ended = 0;
    while (ended < count) {
      int low = (int) (ends[ended] >> 32);
      if (began < count) {
        low = Math.min(low, (int) (begins[began] >> 32));
      }
      while (ended < count && ends[ended] >> 32 == low) {
        reached.remove((int) ends[ended++]);
      }
      while (began < count && begins[began] >> 32 == low) {
        reached.add((int) begins[began++]);
      }
      if (reached.size > 0) {
        budget.spend(reached.size);
        int high = (int) (ends[ended] >> 32);
        if (began < count) {
          high = Math.min(high, (int) (begins[began] >> 32));
        }
        made.addTransition(source, state(new States(reached.sorted())), low, high - 1);
      }
    }
  }

  /** The states that are reached by the character at hand, each as often as it is. */
  private static final class Reached {
    private final Map<Integer, int[]> times = new HashMap<>();
    private int size;

    void add(int state) {
      int[] count = times.computeIfAbsent(state, key -> new int[1]);
      if (count[0]++ == 0) {
        size++;
      }
    }

    void remove(int state) {
      int[] count = times.get(state);
      if (count != null && --count[0] == 0) {
        times.remove(state);
        size--;
      }
    }

    int[] sorted() {
      int[] ids = new int[size];
      int at = 0;
      for (int id : times.keySet()) {
        ids[at++] = id;
      }
      Arrays.sort(ids);
      return ids;
    }
  }
}
