package io.ballast.orchestrator.core.peer;

import java.time.Duration;

/** Lets time pass. */
@FunctionalInterface
public interface Sleeper {
  /** Returns after {@code time}. */
  void sleep(Duration time) throws InterruptedException;
}
