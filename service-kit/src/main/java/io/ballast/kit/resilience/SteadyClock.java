package io.ballast.kit.resilience;

import java.time.Instant;
import java.time.InstantSource;
import java.util.function.LongSupplier;

/**
 * Time to wait by: begins with what a clock says and goes on evenly from there, however that clock
 * is set meanwhile. Thread-safe.
 */
public final class SteadyClock implements InstantSource {
  private final Instant start;
  private final long startNanos;
  private final LongSupplier nanoTime;

  /**
   * @param clock asked once
   * @param nanoTime never goes back
   */
  public SteadyClock(InstantSource clock, LongSupplier nanoTime) {
    this.start = clock.instant();
    this.startNanos = nanoTime.getAsLong();
    this.nanoTime = nanoTime;
  }

  @Override
  public Instant instant() {
    return start.plusNanos(nanoTime.getAsLong() - startNanos);
  }
}
