package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Logistic;

/**
 * Turns the gap of two scores into a calibrated probability that the first is preferred: σ(gap/T).
 *
 * @param inverseTemperature 1/T, finite, ≥ 0; 0: the scores say nothing, all probabilities are ½
 */
public record TemperatureScaling(double inverseTemperature) {
  private static final int HALVINGS = 200;

  /** Checks the range above. */
  public TemperatureScaling {
    Require.notNegative(inverseTemperature, "inverseTemperature");
  }

  /** Returns the probability that belongs to {@code gap}, finite: 0 to 1, ½ for 0. */
  public double probability(double gap) {
    return Logistic.sigmoid(inverseTemperature * Require.finite(gap, "gap"));
  }

  /**
   * Returns the maximum-likelihood fit to the gaps of labelled pairs, winner less loser, with
   * Platt's smoothed target t.
   *
   * <pre>max Σ t·log σ(g/T) + (1 − t)·log σ(−g/T),  t = (n + 1)/(n + 2)</pre>
   *
   * <p>Source: temperature scaling, Guo et al. 2017, arXiv:1706.04599; the target of Platt 1999
   * keeps the fit finite where every pair is in order. The likelihood is concave in 1/T, its slope
   * is halved to 0. Gaps that are in the wrong order more than not yield 0.
   *
   * @param gaps shape [n], n ≥ 1, finite
   */
  public static TemperatureScaling fit(double[] gaps) {
    Require.finite(gaps, "gaps");
    double target = (gaps.length + 1.0) / (gaps.length + 2.0);
    if (!(slope(gaps, target, 0) > 0)) {
      return new TemperatureScaling(0);
    }
    double high = 1;
    while (slope(gaps, target, high) > 0 && high < Double.MAX_VALUE / 2) {
      high *= 2;
    }
    double low = 0;
    for (int i = 0; i < HALVINGS && low < high; i++) {
      double middle = low + (high - low) / 2;
      if (slope(gaps, target, middle) > 0) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return new TemperatureScaling(low + (high - low) / 2);
  }

  /** Returns the slope of the mean log-likelihood at 1/T = {@code inverse}. */
  private static double slope(double[] gaps, double target, double inverse) {
    double sum = 0;
    for (double gap : gaps) {
      sum += gap * (target - Logistic.sigmoid(inverse * gap)) / gaps.length;
    }
    return sum;
  }
}
