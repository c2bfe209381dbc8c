package io.ballast.orchestrator.core;

/** Says when nobody waits for an answer any more. */
@FunctionalInterface
public interface CallCancellation {
  /** Runs {@code action} once when the caller leaves, or at once if it has left. */
  void onCancel(Runnable action);

  /** Of a caller that stays. */
  static CallCancellation never() {
    return action -> {};
  }
}
