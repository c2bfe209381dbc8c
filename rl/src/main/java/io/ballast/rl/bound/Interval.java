package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * An estimate with its two-sided confidence interval.
 *
 * @param estimate low to high
 * @param low finite
 * @param high finite
 * @param confidence 0 to 1, such as 0.95
 */
public record Interval(double estimate, double low, double high, double confidence) {
  /** Checks the ranges above. */
  public Interval {
    Require.finite(low, "low");
    Require.finite(high, "high");
    Require.inRange(estimate, low, high, "estimate");
    Require.openProbability(confidence, "confidence");
  }

  /** Whether {@code value} lies inside or on an end. */
  public boolean contains(double value) {
    return low <= value && value <= high;
  }
}
