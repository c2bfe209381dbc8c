package io.ballast.policy.core;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Where the time of one answer went.
 *
 * @param queue from arrival to the first work on it
 * @param infer in the model; absent if nothing was generated
 * @param total from arrival to the answer
 */
public record PhaseTimes(Duration queue, @Nullable Duration infer, Duration total) {
  /** The same phases, with another total. */
  public PhaseTimes withTotal(Duration newTotal) {
    return new PhaseTimes(queue, infer, newTotal);
  }
}
