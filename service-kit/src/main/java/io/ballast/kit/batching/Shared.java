package io.ballast.kit.batching;

import java.time.Duration;

/**
 * What came of one piece of work, whoever had it done, and where the time of this call went.
 *
 * @param queue until a worker turned to it
 * @param batchWait waiting for others to share the batch
 * @param infer in the engine
 * @param fromCache whether it was kept from an earlier call; the times are zero then
 */
public record Shared<R>(
    R result, Duration queue, Duration batchWait, Duration infer, boolean fromCache) {
  static <R> Shared<R> kept(R result) {
    return new Shared<>(result, Duration.ZERO, Duration.ZERO, Duration.ZERO, true);
  }

  /**
   * A result of a batch; of what another call began earlier, only the time counts that this one
   * waited.
   */
  static <R> Shared<R> of(Batched<R> answer, int index, Duration waited) {
    Duration infer = shorter(answer.infer(), waited);
    Duration batchWait = shorter(answer.batchWait(), waited.minus(infer));
    Duration queue = shorter(answer.queue(), waited.minus(infer).minus(batchWait));
    return new Shared<>(answer.results().get(index), queue, batchWait, infer, false);
  }

  private static Duration shorter(Duration a, Duration b) {
    return a.compareTo(b) <= 0 ? a : b;
  }
}
