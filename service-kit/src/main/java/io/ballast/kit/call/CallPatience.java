package io.ballast.kit.call;

import java.time.Duration;
import java.util.Optional;

/** How long the caller still waits for an answer. */
public interface CallPatience {
  /** What is left until the call's deadline, never negative; empty if it has none. */
  Optional<Duration> remaining();

  /** Whether the caller has left. */
  boolean cancelled();

  /** Runs {@code action} once when the caller leaves or its deadline passes; it must not block. */
  void onCancel(Runnable action);

  /**
   * Told how long work of the call has waited for its turn, or how long it would have waited where
   * it was refused for that: what limits on calls under way go by.
   */
  default void waited(Duration queue) {}

  /**
   * Told how long work of the call has waited at another server, which was asked after what {@link
   * #waited} tells of.
   */
  default void waitedElsewhere(Duration queue) {}

  /**
   * Runs {@code wait}, which waits for something to happen; meanwhile nothing is done for the call.
   */
  default void idle(Runnable wait) {
    wait.run();
  }

  /** A caller that waits for ever. */
  static CallPatience endless() {
    return waiting(Optional.empty());
  }

  /** A caller that waits so long for each answer, and never leaves. */
  static CallPatience upTo(Duration most) {
    return waiting(Optional.of(most));
  }

  private static CallPatience waiting(Optional<Duration> most) {
    return new CallPatience() {
      @Override
      public Optional<Duration> remaining() {
        return most;
      }

      @Override
      public boolean cancelled() {
        return false;
      }

      @Override
      public void onCancel(Runnable action) {}
    };
  }
}
