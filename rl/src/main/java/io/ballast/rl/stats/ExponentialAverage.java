package io.ballast.rl.stats;

import io.ballast.rl.check.Require;

/**
 * An exponentially weighted mean, corrected for its start: the first number seen is the average.
 *
 * <pre>s′ = decay·s + (1 − decay)·x,  value = s / (1 − decayⁿ)</pre>
 *
 * <p>Source: the bias correction of Kingma and Ba 2015 (Adam), arXiv:1412.6980.
 *
 * @param decay share of the past that a step keeps, ≥ 0, below 1
 * @param sum the uncorrected average s
 * @param count numbers seen, ≥ 0
 */
public record ExponentialAverage(double decay, double sum, long count) {
  /** Checks the ranges above. */
  public ExponentialAverage {
    if (!(decay >= 0 && decay < 1)) {
      throw new IllegalArgumentException("decay: " + decay + " (expected: >= 0, below 1)");
    }
    Require.finite(sum, "sum");
    if (count < 0) {
      throw new IllegalArgumentException("count: " + count + " (expected: >= 0)");
    }
  }

  /** Returns an average that has seen nothing. */
  public static ExponentialAverage withDecay(double decay) {
    return new ExponentialAverage(decay, 0, 0);
  }

  /** Returns the average after seeing {@code value}, finite. */
  public ExponentialAverage add(double value) {
    Require.finite(value, "value");
    return new ExponentialAverage(decay, decay * sum + (1 - decay) * value, count + 1);
  }

  /**
   * Returns the corrected average.
   *
   * @throws IllegalStateException if nothing was seen: there is no number then
   */
  public double value() {
    if (count == 0) {
      throw new IllegalStateException("the average of nothing has no value");
    }
    return sum / (1 - Math.pow(decay, (double) count));
  }
}
