package io.ballast.standalone.cli;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/**
 * How often each server was started again of late: one that ends soon again and again is not mended
 * by a start, while one that ends once a day is. Not thread-safe.
 */
final class Restarts {
  /** So often each server is started again within {@link #SPAN}. */
  static final int MOST = 5;

  /** What counts as of late. */
  static final Duration SPAN = Duration.ofMinutes(10);

  private final LongSupplier nanoTime;
  private final Map<String, Deque<Long>> times = new HashMap<>();

  Restarts(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
  }

  /** Whether a server may be started again now; if so, that counts. */
  boolean allow(String server) {
    long now = nanoTime.getAsLong();
    Deque<Long> late = times.computeIfAbsent(server, name -> new ArrayDeque<>());
    while (!late.isEmpty() && now - late.getFirst() >= SPAN.toNanos()) {
      late.removeFirst();
    }
    if (late.size() >= MOST) {
      return false;
    }
    late.addLast(now);
    return true;
  }
}
