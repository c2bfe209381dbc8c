package io.ballast.workshop.evaluate;

import java.util.Locale;

/**
 * A mean over positions with its 95 % interval; positions are taken as independent.
 *
 * @param mean finite
 * @param halfWidth 1.96 standard errors; 0 if there is but one position
 */
public record Estimate(double mean, double halfWidth) {
  /** Returns the estimate from one number for each position, at least one. */
  static Estimate of(double[] values) {
    if (values.length == 0) {
      throw new IllegalArgumentException("values: none (expected: ≥ 1)");
    }
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    double mean = sum / values.length;
    double squares = 0;
    for (double value : values) {
      squares += (value - mean) * (value - mean);
    }
    double variance = values.length < 2 ? 0 : squares / (values.length - 1);
    return new Estimate(mean, 1.96 * Math.sqrt(variance / values.length));
  }

  /** Returns mean and half width as text, both times {@code factor}. */
  String show(double factor, int decimals) {
    String pattern = "%." + decimals + "f ± %." + decimals + "f";
    return String.format(Locale.ROOT, pattern, factor * mean, factor * halfWidth);
  }
}
