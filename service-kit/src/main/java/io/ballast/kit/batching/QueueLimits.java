package io.ballast.kit.batching;

import java.time.Duration;

/**
 * How work is batched; the unit of work is the queue's, such as tokens.
 *
 * @param batchWeight a batch is not made larger than this, ≥ 1; a larger group goes alone
 * @param batchWait how long the first of a batch waits for others, ≥ 0
 * @param queuedWeight beyond this, work is refused, ≥ 1
 * @param workers batches that run side by side, ≥ 1
 */
public record QueueLimits(int batchWeight, Duration batchWait, int queuedWeight, int workers) {}
