package io.ballast.kit.batching;

/**
 * How long an engine takes for a batch, learned from those that it has run, the last ones the most:
 * a part that every batch costs and one that grows with its weight. Guarded by the queue's lock.
 */
final class BatchTimes {
  /** What a batch leaves of the sums before it: some twenty batches count. */
  private static final double KEPT = 0.95;

  /** Weights that differ by less than this share of their mean say nothing about the growth. */
  private static final double LEAST_SPREAD = 0.05;

  /** Of fewer batches nothing is concluded: the first run cold. */
  private static final int LEAST_BATCHES = 8;

  private final int batchWeight;
  private int batches;
  private double count;
  private double weights;
  private double squares;
  private double nanos;
  private double products;

  /**
   * Knows nothing.
   *
   * @param batchWeight as {@link QueueLimits} has it
   */
  BatchTimes(int batchWeight) {
    this.batchWeight = batchWeight;
  }

  /** Takes in a batch of {@code weight} that took an engine {@code time} nanoseconds. */
  void add(long weight, long time) {
    batches = Math.min(batches + 1, LEAST_BATCHES);
    count = KEPT * count + 1;
    weights = KEPT * weights + weight;
    squares = KEPT * squares + (double) weight * weight;
    nanos = KEPT * nanos + time;
    products = KEPT * products + (double) weight * time;
  }

  /**
   * The nanoseconds that one worker takes for so much weight, in batches as full as they may be; 0
   * before some batches have run.
   */
  long nanosOf(long weight) {
    if (batches < LEAST_BATCHES) {
      return 0;
    }
    double full = Math.max(batchWeight, weights / count); // a group that is larger goes alone
    double whole = Math.floor(weight / full);
    double rest = weight - whole * full;
    return Math.round(whole * nanosOfBatch(full) + (rest >= 1 ? nanosOfBatch(rest) : 0));
  }

  /** The least-squares line through the batches; level where all of them weighed the same. */
  private double nanosOfBatch(double weight) {
    double meanWeight = weights / count;
    double meanNanos = nanos / count;
    double variance = squares / count - meanWeight * meanWeight;
    double least = LEAST_SPREAD * meanWeight;
    if (variance <= least * least) {
      return meanNanos;
    }
    double slope = (products / count - meanWeight * meanNanos) / variance;
    double mostSlope = meanNanos / meanWeight; // no batch takes less than no time
    return meanNanos + Math.clamp(slope, 0, mostSlope) * (weight - meanWeight);
  }
}
