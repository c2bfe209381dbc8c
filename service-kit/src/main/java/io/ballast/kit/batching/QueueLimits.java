package io.ballast.kit.batching;

import java.time.Duration;

/**
 * How work is batched; the unit of work is the queue's, such as tokens.
 *
 * @param batchWeight the weight of the heaviest group times the number of groups is not made larger
 *     than this, before equal keys are joined, ≥ 1; a larger group goes alone
 * @param batchWait how long the first of a batch waits for others, ≥ 0
 * @param queuedWeight work of a lane beyond which it is refused, more urgent work that waits
 *     included, ≥ 1
 * @param workers batches that run side by side, ≥ 1
 * @param urgentWorkers batches of the most urgent lane that may run beside those of the others, so
 *     that a person does not wait for work that is under way, ≥ 0
 */
public record QueueLimits(
    int batchWeight, Duration batchWait, int queuedWeight, int workers, int urgentWorkers) {
  /** Limits without workers of their own for the most urgent lane. */
  public QueueLimits(int batchWeight, Duration batchWait, int queuedWeight, int workers) {
    this(batchWeight, batchWait, queuedWeight, workers, 0);
  }
}
