package io.ballast.kit.kserve;

import io.ballast.kit.call.PhaseTimes;
import java.time.Duration;

/**
 * Where the time of one inference went.
 *
 * @param queue waiting to be run, for others to share the batch too
 * @param input preparing inputs, such as splitting them into tokens
 * @param infer in the model
 * @param output collecting outputs
 */
public record InferenceTimes(Duration queue, Duration input, Duration infer, Duration output) {
  /** The times of an answer to a batch of items. */
  public static InferenceTimes of(PhaseTimes times) {
    return new InferenceTimes(
        times.queue().plus(times.batchWait()), times.tokenise(), times.infer(), times.aggregate());
  }
}
