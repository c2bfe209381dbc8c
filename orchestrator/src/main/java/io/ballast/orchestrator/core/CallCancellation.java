package io.ballast.orchestrator.core;

/** Says when nobody waits for an answer any more. */
@FunctionalInterface
public interface CallCancellation {
  /** Runs {@code action} once when the caller leaves, or at once if it has left. */
  void onCancel(Runnable action);

  /**
   * Runs {@code wait}, which waits for something to happen; meanwhile nothing is done for the call.
   */
  default void idle(Runnable wait) {
    wait.run();
  }

  /** Of a caller that stays. */
  static CallCancellation never() {
    return action -> {};
  }
}
