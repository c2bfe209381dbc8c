package io.ballast.policy.core.suggest;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/**
 * When the first token of a generation was drawn: until then it waited, for a place or for the
 * steps that it shares with others. Thread-safe.
 */
final class FirstToken {
  private static final long NONE = Long.MAX_VALUE;

  private final LongSupplier nanoTime;
  private final long start;
  private final AtomicLong after = new AtomicLong(NONE);

  /** The generation starts now. */
  FirstToken(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    this.start = nanoTime.getAsLong();
  }

  /** A token was drawn. */
  void drawn() {
    if (after.get() == NONE) {
      after.compareAndSet(NONE, nanoTime.getAsLong() - start);
    }
  }

  /** How long it took; the time since the start if none was drawn. */
  Duration after() {
    return Duration.ofNanos(Math.max(0, Math.min(after.get(), nanoTime.getAsLong() - start)));
  }
}
