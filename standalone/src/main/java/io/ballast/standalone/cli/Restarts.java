package io.ballast.standalone.cli;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;

/**
 * How often each server was started again of late: one that ends soon again and again is not mended
 * by a start, while one that ends once a day is. What it needs, such as a database that is being
 * started, has the longer to come the more often it has ended. Not thread-safe.
 */
final class Restarts {
  /** So often each server is started again within {@link #SPAN}. */
  static final int MOST = 5;

  /** What counts as of late. */
  static final Duration SPAN = Duration.ofMinutes(10);

  /** Before the first start of late; each further one has twice the wait of the one before it. */
  private static final Duration FIRST_WAIT = Duration.ofSeconds(1);

  private final LongSupplier nanoTime;
  private final Map<String, Deque<Long>> times = new HashMap<>();

  Restarts(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /**
   * How long a server that has ended now waits before it is started again, which counts; empty if
   * it may not be.
   */
  Optional<Duration> nextWait(String server) {
    long now = nanoTime.getAsLong();
    Deque<Long> late = times.computeIfAbsent(server, name -> new ArrayDeque<>());
    while (!late.isEmpty() && now - late.getFirst() >= SPAN.toNanos()) {
      late.removeFirst();
    }
    if (late.size() >= MOST) {
      return Optional.empty();
    }
    Duration wait = FIRST_WAIT.multipliedBy(1L << late.size());
    late.addLast(now);
    return Optional.of(wait);
  }
}
