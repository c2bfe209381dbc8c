package io.ballast.kit.resilience;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** Time that stands still until a test moves it. */
public final class TestTime implements InstantSource {
  private Instant now = Instant.parse("2026-01-01T00:00:00Z");

  /** Lets so much time pass. */
  public void pass(Duration duration) {
    now = now.plus(duration);
  }

  @Override
  public Instant instant() {
    return now;
  }

  /** The same time as nanoseconds. */
  public long nanoTime() {
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }
}
