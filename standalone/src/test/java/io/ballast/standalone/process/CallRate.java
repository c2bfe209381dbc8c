package io.ballast.standalone.process;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many calls succeeded when. Thread-safe. */
final class CallRate {
  private static final long BUCKET_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final int BUCKETS = (int) (TimeUnit.HOURS.toNanos(2) / BUCKET_NANOS);

  /** In buckets as long as this it is said whether calls go as they should. */
  private static final int WINDOW = (int) (TimeUnit.SECONDS.toNanos(1) / BUCKET_NANOS);

  private final long start = System.nanoTime();
  private final AtomicLongArray done = new AtomicLongArray(BUCKETS);

  void succeeded() {
    done.incrementAndGet(bucket(System.nanoTime()));
  }

  /** How many succeeded in a second, on average over {@code last}. */
  double over(Duration last) {
    int end = bucket(System.nanoTime());
    int buckets = (int) (last.toNanos() / BUCKET_NANOS);
    return sum(Math.max(0, end - buckets), end) / (last.toNanos() / 1e9);
  }

  /**
   * After how long calls went at least at {@code rate} again, for a second.
   *
   * @param since by {@code System.nanoTime}
   * @return empty if no such second is over yet
   */
  Optional<Duration> back(double rate, long since) {
    int now = bucket(System.nanoTime());
    for (int first = bucket(since) + 1; first + WINDOW <= now; first++) {
      if (sum(first, first + WINDOW) >= rate) {
        return Optional.of(Duration.ofNanos(start + first * BUCKET_NANOS - since));
      }
    }
    return Optional.empty();
  }

  private int bucket(long nanos) {
    return (int) ((nanos - start) / BUCKET_NANOS);
  }

  private long sum(int first, int end) {
    long sum = 0;
    for (int i = first; i < end; i++) {
      sum += done.get(i);
    }
    return sum;
  }
}
