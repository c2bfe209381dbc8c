package io.ballast.inference.api;

import java.time.Duration;

/**
 * Where the time of a generation went.
 *
 * @param queue until the engine turned to its prompt
 * @param prefill from there to the first token
 * @param decode from there to its end
 */
public record GenerationTimes(Duration queue, Duration prefill, Duration decode) {
  /** From the request to its end. */
  public Duration total() {
    return queue.plus(prefill).plus(decode);
  }
}
