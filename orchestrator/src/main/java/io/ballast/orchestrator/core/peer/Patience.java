package io.ballast.orchestrator.core.peer;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.random.RandomGenerator;

/**
 * Calls again what may succeed later: peers that are busy, loading or down. Waits longer each time,
 * with jitter, at least as long as the peer asks, and gives up when its patience or its budget is
 * at an end. Only for calls that have their effect once however often they are made.
 */
public final class Patience {
  /**
   * How patient.
   *
   * @param total from the first failure on, ≥ 0
   * @param firstWait before the first retry, &gt; 0; doubled each time
   * @param longestWait the most that one wait takes, ≥ {@code firstWait}
   */
  public record Limits(Duration total, Duration firstWait, Duration longestWait) {}

  private final Limits limits;
  private final RetryBudget budget;
  private final Sleeper sleeper;
  private final LongSupplier nanoTime;
  private final RandomGenerator random;

  /**
   * @param random draws the jitter
   */
  public Patience(
      Limits limits,
      RetryBudget budget,
      Sleeper sleeper,
      LongSupplier nanoTime,
      RandomGenerator random) {
    this.limits = limits;
    this.budget = budget;
    this.sleeper = sleeper;
    this.nanoTime = nanoTime;
    this.random = random;
  }

  /**
   * Returns what {@code call} returns.
   *
   * @param what is done, for the failure's message
   * @throws MeshException what the call threw if it is of no use to try again; DEPENDENCY_DOWN if
   *     patience or budget are at an end
   * @throws CancellationException if the thread is interrupted while it waits
   */
  public <T> T call(String what, Supplier<T> call) {
    long start = 0;
    for (int failures = 0; ; failures++) {
      try {
        T result = call.get();
        budget.succeeded();
        return result;
      } catch (MeshException e) {
        if (!mayPass(e.fault())) {
          throw e;
        }
        long now = nanoTime.getAsLong();
        start = failures == 0 ? now : start;
        Duration waited = Duration.ofNanos(now - start);
        Duration wait = wait(failures, e);
        if (waited.plus(wait).compareTo(limits.total()) > 0 || !budget.take()) {
          throw exhausted(what, failures + 1, waited, e);
        }
        sleep(what, wait);
      }
    }
  }

  /** As {@link #call} for what returns nothing. */
  public void run(String what, Runnable call) {
    var unused =
        call(
            what,
            () -> {
              call.run();
              return true;
            });
  }

  /** Whether a call that failed so may succeed later. */
  public static boolean mayPass(Fault fault) {
    return switch (fault) {
      case OVERLOADED, MODEL_LOADING, DEPENDENCY_DOWN, TIMED_OUT -> true;
      case MALFORMED_REQUEST,
          UNKNOWN_MODEL,
          UNKNOWN_RESOURCE,
          ALREADY_EXISTS,
          VERSION_CONFLICT,
          UNAUTHENTICATED,
          FORBIDDEN,
          SAFETY_GATE_CLOSED,
          PRECONDITION_FAILED,
          DEPENDENCY_BROKEN,
          CORRUPT_WEIGHTS,
          NOT_IMPLEMENTED ->
          false;
    };
  }

  /** Between half and all of a wait that doubles, and at least what the peer asks for. */
  private Duration wait(int failures, MeshException failure) {
    double doubled = limits.firstWait().toNanos() * Math.pow(2, Math.min(failures, 30));
    double bounded = Math.min(doubled, limits.longestWait().toNanos());
    Duration own = Duration.ofNanos((long) (bounded * (0.5 + 0.5 * random.nextDouble())));
    String asked = failure.metadata().get(MeshException.RETRY_DELAY);
    Duration least = asked == null ? Duration.ZERO : Duration.parse(asked);
    return own.compareTo(least) < 0 ? least : own;
  }

  private void sleep(String what, Duration wait) {
    try {
      sleeper.sleep(wait);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting to " + what + " again");
    }
  }

  private static MeshException exhausted(
      String what, int attempts, Duration waited, MeshException last) {
    return new MeshException(
        Fault.DEPENDENCY_DOWN,
        "could not %s: %s (tried %d times in %d s; resume the run when it is back)"
            .formatted(what, last.getMessage(), attempts, waited.toSeconds()),
        Map.of("attempts", Integer.toString(attempts), "fault", last.fault().name()));
  }
}
