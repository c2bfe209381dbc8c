package io.ballast.reward.core;

import java.time.Duration;

/**
 * How work is batched.
 *
 * @param batchTokens a batch is not made larger than this, ≥ 1; a larger group goes alone
 * @param batchWait how long the first of a batch waits for others, ≥ 0
 * @param queuedTokens beyond this, work is refused, ≥ 1
 * @param workers batches that run side by side, ≥ 1
 */
public record QueueLimits(int batchTokens, Duration batchWait, int queuedTokens, int workers) {}
