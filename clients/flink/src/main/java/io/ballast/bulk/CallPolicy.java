package io.ballast.bulk;

import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.retry.RetryConfig;
import io.grpc.StatusRuntimeException;
import java.io.Serializable;
import java.time.Duration;

/**
 * How Score is called.
 *
 * @param timeout of one call, its deadline
 * @param attempts calls for one batch, the first among them
 * @param firstWait before the second attempt; doubles from there, with jitter
 * @param longestWait up to which it doubles; a mesh that asks for more by RetryInfo gets it
 * @param giveUp what becomes of a batch after its last attempt
 */
record CallPolicy(
    Duration timeout, int attempts, Duration firstWait, Duration longestWait, GiveUp giveUp)
    implements Serializable {
  CallPolicy {
    require(timeout.isPositive(), "--call-timeout", timeout, "above 0");
    require(attempts >= 1, "--attempts", attempts, "at least 1");
    require(firstWait.isPositive(), "--first-wait", firstWait, "above 0");
    require(
        longestWait.compareTo(firstWait) >= 0,
        "--longest-wait",
        longestWait,
        "at least --first-wait");
  }

  /**
   * Returns how calls are repeated that may pass: after a wait that doubles, and that is at least
   * as long as the mesh asks.
   */
  <T> RetryConfig.Builder<T> retries() {
    IntervalFunction doubling =
        IntervalFunction.ofExponentialRandomBackoff(firstWait, 2, 0.5, longestWait);
    return RetryConfig.<T>custom()
        .maxAttempts(attempts)
        .retryOnException(
            failure -> failure instanceof StatusRuntimeException && Refusal.of(failure).mayPass())
        .intervalBiFunction(
            (attempt, last) ->
                Math.max(
                    doubling.apply(attempt),
                    last.isLeft() ? Refusal.of(last.getLeft()).retryAfter().toMillis() : 0));
  }

  /** Returns the same with fewer attempts. */
  CallPolicy withAttemptsAtMost(int most) {
    return new CallPolicy(timeout, Math.min(attempts, most), firstWait, longestWait, giveUp);
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (expected: %s)".formatted(name, value, expected));
    }
  }
}
