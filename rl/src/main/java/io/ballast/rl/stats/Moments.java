package io.ballast.rl.stats;

import io.ballast.rl.check.Require;

/**
 * Mean and variance of numbers at hand, computed in two passes so that a large offset costs no
 * digits.
 */
public final class Moments {
  private Moments() {}

  /**
   * Returns the arithmetic mean of {@code values}, at least one, all finite: never below the least
   * nor above the greatest of them, whatever rounding does.
   */
  public static double mean(double[] values) {
    Require.finite(values, "values");
    double least = values[0];
    double greatest = values[0];
    double sum = 0;
    for (double value : values) {
      least = Math.min(least, value);
      greatest = Math.max(greatest, value);
      sum += value / values.length;
    }
    double scaled = Math.clamp(sum, least, greatest);
    double correction = 0; // of halves, which lie apart by a number
    for (double value : values) {
      correction += (value / 2 - scaled / 2) / values.length;
    }
    return Math.clamp(scaled + 2 * correction, least, greatest);
  }

  /**
   * Returns the unbiased variance, divided by n − 1, of {@code values}: at least two, all finite.
   */
  public static double sampleVariance(double[] values) {
    Require.atLeast(values.length, 2, "values.length");
    return squaredDeviations(values) / (values.length - 1);
  }

  /** Returns the square root of {@link #sampleVariance}. */
  public static double sampleStd(double[] values) {
    return Math.sqrt(sampleVariance(values));
  }

  /** Returns the variance divided by n of {@code values}: at least one, all finite. */
  public static double populationVariance(double[] values) {
    return squaredDeviations(values) / values.length;
  }

  /** Returns whether all of {@code values} are the same number; true for one, refused for none. */
  public static boolean allEqual(double[] values) {
    Require.finite(values, "values");
    for (double value : values) {
      if (value != values[0]) {
        return false;
      }
    }
    return true;
  }

  private static double squaredDeviations(double[] values) {
    if (allEqual(values)) {
      return 0;
    }
    double mean = mean(values);
    double sum = 0;
    for (double value : values) {
      sum += (value - mean) * (value - mean);
    }
    return sum;
  }
}
