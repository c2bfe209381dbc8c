package io.ballast.standalone.process;

import java.time.Duration;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many calls succeeded when, and how long they took. Thread-safe. */
final class CallRate {
  private static final long BUCKET_NANOS = TimeUnit.MILLISECONDS.toNanos(50);
  private static final int BUCKETS = (int) (TimeUnit.HOURS.toNanos(2) / BUCKET_NANOS);

  /** In buckets as long as this it is said whether calls go as they should. */
  private static final int WINDOW = (int) (TimeUnit.SECONDS.toNanos(1) / BUCKET_NANOS);

  private static final double SLOW = 0.99;

  private final long start = System.nanoTime();
  private final AtomicLongArray done = new AtomicLongArray(BUCKETS);
  private final Queue<Call> calls = new ConcurrentLinkedQueue<>();
  private volatile long longest = Long.MAX_VALUE; // of a call that counts, in nanoseconds

  private record Call(int bucket, long nanos) {}

  /**
   * A second in which calls went as they should.
   *
   * @param after how long it was until it began
   * @param slow the 99th percentile of how long its calls took
   */
  record Good(Duration after, Duration slow) {}

  /**
   * A call succeeded now.
   *
   * @param begin when it began, by {@code System.nanoTime}
   */
  void succeeded(long begin) {
    long now = System.nanoTime();
    calls.add(new Call(bucket(now), now - begin));
    if (now - begin <= longest) {
      done.incrementAndGet(bucket(now));
    }
  }

  /** Lets calls that take longer than this count no more, from now on. */
  void limit(Duration most) {
    longest = most.toNanos();
  }

  /** How many that count succeeded in a second, on average over {@code last}. */
  double over(Duration last) {
    int end = bucket(System.nanoTime());
    return sum(Math.max(0, end - buckets(last)), end) / (last.toNanos() / 1e9);
  }

  /** The 99th percentile of how long calls took that succeeded in {@code last}; 0 if none did. */
  Duration slow(Duration last) {
    int end = bucket(System.nanoTime());
    return slow(end - buckets(last), end);
  }

  /**
   * The first second in which calls went at least at {@code rate} again.
   *
   * @param since by {@code System.nanoTime}
   * @return empty if no such second is over yet
   */
  Optional<Good> back(double rate, long since) {
    int now = bucket(System.nanoTime());
    for (int first = bucket(since) + 1; first + WINDOW <= now; first++) {
      if (sum(first, first + WINDOW) >= rate) {
        return Optional.of(
            new Good(
                Duration.ofNanos(start + first * BUCKET_NANOS - since),
                slow(first, first + WINDOW)));
      }
    }
    return Optional.empty();
  }

  private int bucket(long nanos) {
    return (int) ((nanos - start) / BUCKET_NANOS);
  }

  private static int buckets(Duration time) {
    return (int) (time.toNanos() / BUCKET_NANOS);
  }

  private long sum(int first, int end) {
    long sum = 0;
    for (int i = first; i < end; i++) {
      sum += done.get(i);
    }
    return sum;
  }

  private Duration slow(int first, int end) {
    long[] nanos =
        calls.stream()
            .filter(call -> call.bucket() >= first && call.bucket() < end)
            .mapToLong(Call::nanos)
            .sorted()
            .toArray();
    return nanos.length == 0
        ? Duration.ZERO
        : Duration.ofNanos(nanos[(int) Math.ceil(SLOW * nanos.length) - 1]);
  }
}
