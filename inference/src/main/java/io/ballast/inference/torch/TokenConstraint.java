package io.ballast.inference.torch;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Which tokens may be drawn next: a state machine over the tokens drawn so far. One serves any
 * number of completions, each of which keeps its own state: a number that only the constraint
 * understands. Safe for use by many threads.
 */
interface TokenConstraint {
  /** The state before the first token. */
  int start();

  /**
   * Returns the tokens with text that may be drawn; absent: any token. Not to be changed.
   *
   * @param state one that {@link #start} or {@link #next} returned
   */
  @Nullable BitSet allowed(int state);

  /** Returns the state after {@code tokenId}, one of those allowed. */
  int next(int state, int tokenId);

  /** Whether the completion may end here. */
  boolean accepting(int state);

  /** Whether the completion may end here and nothing may follow. */
  boolean finished(int state);
}
