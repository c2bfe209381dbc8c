package io.ballast.policy.core;

import java.time.Duration;
import java.util.Optional;

/** Whether the caller still waits: false once it has left or its deadline has passed. */
public interface CallCancellation {
  /** Whether nobody waits for the answer any more. */
  boolean cancelled();

  /**
   * Runs {@code action} once when nobody waits any more, or at once if that is so already; on the
   * thread that notices, so it must not block.
   */
  void onCancel(Runnable action);

  /** What is left until the call's deadline, never negative; empty if it has none. */
  default Optional<Duration> remaining() {
    return Optional.empty();
  }

  /**
   * Runs {@code wait}, which waits for something to happen; meanwhile nothing is done for the call.
   */
  default void idle(Runnable wait) {
    wait.run();
  }

  /** Told how long work of the call has waited for its turn, by which the server limits calls. */
  default void waited(Duration queue) {}

  /** A caller that waits for ever. */
  static CallCancellation never() {
    return new CallCancellation() {
      @Override
      public boolean cancelled() {
        return false;
      }

      @Override
      public void onCancel(Runnable action) {}
    };
  }
}
