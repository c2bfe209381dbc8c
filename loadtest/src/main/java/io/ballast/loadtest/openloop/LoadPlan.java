package io.ballast.loadtest.openloop;

import java.time.Duration;

/**
 * How much load, for how long. Every field is bounded, so that no load runs away.
 *
 * @param ratePerSecond calls a second, 0.1 to 50,000
 * @param warmUp calls before this are sent but not measured, 0 to 10 minutes
 * @param duration how long is measured, 0.1 s to 24 hours
 * @param maxInFlight calls under way at once, 1 to 10,000; one more is dropped and counted
 * @param maxCalls of the whole load, warm-up included, 1 to 10,000,000; it ends there
 * @param callTimeout after which a call has failed, 1 ms to 5 minutes
 */
public record LoadPlan(
    double ratePerSecond,
    Duration warmUp,
    Duration duration,
    int maxInFlight,
    long maxCalls,
    Duration callTimeout) {
  public LoadPlan {
    require(
        ratePerSecond >= 0.1 && ratePerSecond <= 50_000,
        "rate",
        ratePerSecond,
        "0.1 to 50,000 calls a second");
    requireBetween(warmUp, Duration.ZERO, Duration.ofMinutes(10), "warm-up");
    requireBetween(duration, Duration.ofMillis(100), Duration.ofHours(24), "duration");
    require(maxInFlight >= 1 && maxInFlight <= 10_000, "max-in-flight", maxInFlight, "1 to 10,000");
    require(maxCalls >= 1 && maxCalls <= 10_000_000, "max-calls", maxCalls, "1 to 10,000,000");
    requireBetween(callTimeout, Duration.ofMillis(1), Duration.ofMinutes(5), "timeout");
  }

  private static void requireBetween(Duration value, Duration least, Duration most, String name) {
    require(
        value.compareTo(least) >= 0 && value.compareTo(most) <= 0,
        name,
        Durations.format(value),
        Durations.format(least) + " to " + Durations.format(most));
  }

  private static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (allowed: %s)".formatted(name, value, allowed));
    }
  }
}
