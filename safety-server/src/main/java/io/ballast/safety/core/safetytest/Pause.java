package io.ballast.safety.core.safetytest;

import java.time.Duration;

/** Waits between attempts. */
@FunctionalInterface
public interface Pause {
  /** Returns after {@code duration}. */
  void pause(Duration duration) throws InterruptedException;
}
