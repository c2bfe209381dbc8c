package io.ballast.rl.stats;

import io.ballast.rl.check.Require;

/**
 * Mean and variance of everything seen so far, updated by whole batches. Immutable: an update
 * returns the next state, which is all there is to store.
 *
 * <p>Source: the parallel form of Welford's update (Chan, Golub, LeVeque 1979), as PPO-max merges
 * reward statistics, arXiv:2307.04964 §5.3.1. Starts empty, not at a tiny pretended count.
 *
 * @param count numbers seen, ≥ 0
 * @param mean their mean; 0 when none were seen
 * @param squaredDeviations Σ (x − mean)², ≥ 0
 */
public record RunningMoments(long count, double mean, double squaredDeviations) {
  /** Checks the ranges above. */
  public RunningMoments {
    if (count < 0) {
      throw new IllegalArgumentException("count: " + count + " (expected: >= 0)");
    }
    Require.finite(mean, "mean");
    Require.notNegative(squaredDeviations, "squaredDeviations");
  }

  /** Nothing seen yet. */
  public static RunningMoments empty() {
    return new RunningMoments(0, 0, 0);
  }

  /** Returns the state after seeing {@code values}, at least one, all finite. */
  public RunningMoments add(double... values) {
    double batchMean = Moments.mean(values);
    double deviations = Moments.populationVariance(values) * values.length;
    return merge(new RunningMoments(values.length, batchMean, deviations));
  }

  /** Returns the state after seeing what both saw. */
  public RunningMoments merge(RunningMoments other) {
    if (other.count == 0) {
      return this;
    }
    if (count == 0) {
      return other;
    }
    long total = count + other.count;
    double delta = other.mean - mean;
    double share = (double) other.count / total;
    return new RunningMoments(
        total,
        mean + delta * share,
        squaredDeviations + other.squaredDeviations + delta * delta * share * count);
  }

  /** Returns the standard deviation divided by n − 1; 0 while fewer than two numbers were seen. */
  public double sampleStd() {
    return count < 2 ? 0 : Math.sqrt(squaredDeviations / (count - 1));
  }
}
