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

  /** The new state that is one state alone, by that; −1 where there is none yet. */
  private final int[] alone;

  private final Reached reached;

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
    this.alone = new int[from.getNumStates()];
    Arrays.fill(alone, -1);
    this.reached = new Reached(from.getNumStates());
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
    boolean one = states.ids.length == 1;
    int before = one ? alone[states.ids[0]] : known.getOrDefault(states, -1);
    if (before >= 0) {
      return before;
    }
    Languages.requireSize(made.getNumStates() + 1L);
    int state = made.createState();
    for (int id : states.ids) {
      if (from.isAccept(id)) {
        made.setAccept(state, true);
        break;
      }
    }
    if (one) {
      alone[states.ids[0]] = state;
    } else {
      known.put(states, state);
    }
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
    if (states.ids.length == 1 && copy(source, states.ids[0])) {
      return;
    }
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

  /** Adds the transitions of one state as they are, if no two of them share a character. */
  private boolean copy(int source, int id) {
    Transition transition = new Transition();
    int transitions = from.initTransition(id, transition);
    int last = -1;
    for (int i = 0; i < transitions; i++) {
      from.getNextTransition(transition); // in the order of their first characters
      if (transition.min <= last) {
        return false;
      }
      last = transition.max;
    }
    transitions = from.initTransition(id, transition);
    for (int i = 0; i < transitions; i++) {
      from.getNextTransition(transition);
      int target = state(new States(new int[] {transition.dest}));
      made.addTransition(source, target, transition.min, transition.max);
    }
    return true;
  }

  /** The states that are reached by the character at hand, each as often as it is. */
  private static final class Reached {
    private final int[] times;
    private final int[] place;
    private final int[] ids;
    private int size;

    Reached(int states) {
      times = new int[states];
      place = new int[states];
      ids = new int[states];
    }

    void add(int state) {
      if (times[state]++ == 0) {
        place[state] = size;
        ids[size++] = state;
      }
    }

    void remove(int state) {
      if (--times[state] == 0) {
        int last = ids[--size];
        ids[place[state]] = last;
        place[last] = place[state];
      }
    }

    int[] sorted() {
      int[] sorted = Arrays.copyOf(ids, size);
      Arrays.sort(sorted);
      return sorted;
    }
  }
}
