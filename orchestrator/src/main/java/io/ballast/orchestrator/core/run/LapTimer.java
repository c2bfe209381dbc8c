package io.ballast.orchestrator.core.run;

import java.util.function.LongSupplier;

/** Cuts a worker's time into laps that follow each other without a gap. */
final class LapTimer {
  private static final double NANOS = 1e9;

  private final LongSupplier nanoTime;
  private long lapStart;

  /** Begins the first lap. */
  LapTimer(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.lapStart = nanoTime.getAsLong();
  }

  /** Ends a lap and returns its seconds. */
  double lap() {
    long now = nanoTime.getAsLong();
    double seconds = (now - lapStart) / NANOS;
    lapStart = now;
    return seconds;
  }
}
