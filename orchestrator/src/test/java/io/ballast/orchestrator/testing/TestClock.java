package io.ballast.orchestrator.testing;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/** A clock that stands still until a test moves it; its nanoseconds go on by 1,000 a look. */
public final class TestClock implements InstantSource {
  public static final Instant START = Instant.parse("2026-11-24T12:00:00Z");

  private final AtomicReference<Instant> now = new AtomicReference<>(START);
  private final AtomicLong nanos = new AtomicLong();

  @Override
  public Instant instant() {
    return now.get();
  }

  /** The monotonic clock. */
  public long nanoTime() {
    return nanos.addAndGet(1_000);
  }

  /** Moves on. */
  public void advance(Duration duration) {
    now.updateAndGet(instant -> instant.plus(duration));
    nanos.addAndGet(duration.toNanos());
  }
}
