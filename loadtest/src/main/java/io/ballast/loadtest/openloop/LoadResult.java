package io.ballast.loadtest.openloop;

import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * What became of the measured calls of a load; the warm-up is not in it. Every planned call is in
 * exactly one of {@code answers}, {@code failures}, {@code dropped} and {@code unsent}.
 *
 * @param plan what was asked for
 * @param planned calls that were meant to be sent
 * @param answers answered calls, by what they said
 * @param failures failed calls, by why; UNFINISHED had not ended when the load did
 * @param dropped calls not sent, because too many were under way
 * @param unsent calls not sent, because sending fell too far behind
 * @param cutShort whether the load ended at {@code plan.maxCalls()}
 * @param measuredSeconds from the first moment measured to the last sending, at least the planned
 *     duration unless cut short
 * @param latency of answered calls, from when they were meant to be sent: free of coordinated
 *     omission
 * @param serviceTime of answered calls, from when they were sent
 * @param sendDelay of sent calls, from meant to sent; large: the generator could not keep up
 */
public record LoadResult(
    LoadPlan plan,
    long planned,
    Map<String, Long> answers,
    Map<String, Long> failures,
    long dropped,
    long unsent,
    boolean cutShort,
    double measuredSeconds,
    Latencies latency,
    Latencies serviceTime,
    Latencies sendDelay) {
  public LoadResult {
    answers = Collections.unmodifiableMap(new TreeMap<>(answers));
    failures = Collections.unmodifiableMap(new TreeMap<>(failures));
  }

  /** How many calls were answered as asked. */
  public long succeeded() {
    return sum(answers);
  }

  /** How many calls were sent and failed. */
  public long failed() {
    return sum(failures);
  }

  /** How many calls were sent. */
  public long sent() {
    return succeeded() + failed();
  }

  /** Calls sent a second of the measured time. */
  public double sentPerSecond() {
    return sent() / measuredSeconds;
  }

  /** Calls answered as asked, a second of the measured time. */
  public double succeededPerSecond() {
    return succeeded() / measuredSeconds;
  }

  /** The share of planned calls that were not answered as asked, 0 to 1; 0 if none was planned. */
  public double missedShare() {
    return planned == 0 ? 0 : 1 - (double) succeeded() / planned;
  }

  private static long sum(Map<String, Long> counts) {
    return counts.values().stream().mapToLong(Long::longValue).sum();
  }
}
