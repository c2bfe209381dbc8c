package io.ballast.inference.grammar;

import org.apache.lucene.util.automaton.Automaton;
import org.apache.lucene.util.automaton.ByteRunAutomaton;
import org.apache.lucene.util.automaton.Operations;

/** A language over characters, as a table over the bytes of its UTF-8. */
final class ByteAutomaton implements ByteMachine {
  /** The most states of the finished table. */
  static final int MAX_STATES = 50_000;

  private final ByteRunAutomaton table;
  private final boolean[] finished;

  private ByteAutomaton(Automaton deterministic) {
    table = new ByteRunAutomaton(deterministic, true);
    finished = new boolean[table.getSize()];
    for (int state = 0; state < finished.length; state++) {
      finished[state] = table.isAccept(state) && !goesOn(state);
    }
  }

  private boolean goesOn(int state) {
    for (int next = 0; next < 256; next++) {
      if (table.step(state, next) >= 0) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the table of a language over characters.
   *
   * @throws IllegalArgumentException if the language has no text at all, or too many states
   */
  static ByteAutomaton of(Automaton characters, Languages languages) {
    Automaton bytes =
        Operations.removeDeadStates(
            languages.deterministic(languages.utf8(languages.deterministic(characters))));
    if (Operations.isEmpty(bytes)) {
      throw new IllegalArgumentException("no text matches, so that none could ever end");
    }
    if (bytes.getNumStates() > MAX_STATES) {
      throw new IllegalArgumentException(
          "too complex: %,d states (expected: at most %,d)"
              .formatted(bytes.getNumStates(), MAX_STATES));
    }
    return new ByteAutomaton(bytes);
  }

  /** How many states the table has. */
  int states() {
    return table.getSize();
  }

  @Override
  public int start() {
    return 0;
  }

  @Override
  public int step(int state, int next) {
    return table.step(state, next);
  }

  @Override
  public boolean accepting(int state) {
    return table.isAccept(state);
  }

  @Override
  public boolean finished(int state) {
    return finished[state];
  }
}
