package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * One-sided confidence bounds of a mean: each holds with probability at least 1 − δ over the draw
 * of the sample (Student's t: if means are normal).
 */
public final class MeanBounds {
  private MeanBounds() {}

  /**
   * Returns the (1 − δ)-quantile of Student's t with ν degrees of freedom.
   *
   * @param delta δ, above 0, below 1
   * @param degreesOfFreedom ν ≥ 1
   */
  public static double studentTQuantile(double delta, int degreesOfFreedom) {
    Require.openProbability(delta, "delta");
    Require.atLeast(degreesOfFreedom, 1, "degreesOfFreedom");
    return TDistribution.of(degreesOfFreedom).inverseSurvivalProbability(delta);
  }

  /**
   * Returns t(1 − δ, n − 1)/√n: how many standard deviations the bound lies from the mean.
   *
   * @param n sample size, ≥ 2
   * @param delta δ, above 0, below 1
   */
  public static double studentTWidth(int n, double delta) {
    Require.atLeast(n, 2, "n");
    return studentTQuantile(delta, n - 1) / Math.sqrt(n);
  }

  /**
   * Returns mean + t(1 − δ, n − 1)·s/√n with s divided by n − 1.
   *
   * <p>Source: Student 1908; the safety test of Thomas et al. 2019 (Seldonian algorithms) and of
   * HC-RLHF, arXiv:2506.08266. With rare large values and small n it covers too seldom; equal
   * values give their mean. For values in [0, 1] {@link #hoeffdingUpper} has neither weakness.
   *
   * @param values shape [n], n ≥ 2, finite
   * @param delta δ, above 0, below 1
   */
  public static double studentTUpper(double[] values, double delta) {
    return Moments.mean(values) + studentTWidth(values.length, delta) * Moments.sampleStd(values);
  }

  /** Returns mean − t(1 − δ, n − 1)·s/√n: the mirror of {@link #studentTUpper}. */
  public static double studentTLower(double[] values, double delta) {
    return Moments.mean(values) - studentTWidth(values.length, delta) * Moments.sampleStd(values);
  }

  /**
   * Returns mean + (b − a)·√(ln(1/δ)/(2n)), at most b.
   *
   * <p>Source: Hoeffding 1963, theorem 2. Holds for every distribution on [a, b].
   *
   * @param values shape [n], n ≥ 1, each a to b
   * @param low a, finite
   * @param high b &gt; a, finite
   * @param delta δ, above 0, below 1
   */
  public static double hoeffdingUpper(double[] values, double low, double high, double delta) {
    return Math.min(
        high, meanInRange(values, low, high) + hoeffdingWidth(values.length, low, high, delta));
  }

  /** Returns mean − (b − a)·√(ln(1/δ)/(2n)), at least a: the mirror of {@link #hoeffdingUpper}. */
  public static double hoeffdingLower(double[] values, double low, double high, double delta) {
    return Math.max(
        low, meanInRange(values, low, high) - hoeffdingWidth(values.length, low, high, delta));
  }

  /**
   * Returns mean + √(2·s²·ln(2/δ)/n) + 7·(b − a)·ln(2/δ)/(3·(n − 1)), at most b.
   *
   * <p>Source: Maurer and Pontil 2009, theorem 4, arXiv:0907.3740. Holds for every distribution on
   * [a, b]; narrower than Hoeffding's where the variance is small against (b − a)² and n is some
   * hundreds or more.
   *
   * @param values shape [n], n ≥ 2, each a to b
   * @param low a, finite
   * @param high b &gt; a, finite
   * @param delta δ, above 0, below 1
   */
  public static double empiricalBernsteinUpper(
      double[] values, double low, double high, double delta) {
    return Math.min(
        high, meanInRange(values, low, high) + bernsteinWidth(values, low, high, delta));
  }

  /** Returns the lower bound, at least a: the mirror of {@link #empiricalBernsteinUpper}. */
  public static double empiricalBernsteinLower(
      double[] values, double low, double high, double delta) {
    return Math.max(low, meanInRange(values, low, high) - bernsteinWidth(values, low, high, delta));
  }

  /**
   * Returns the bound that the Seldonian engine uses while it selects a candidate: mean + 2·t(1 −
   * δ, n_s − 1)·s/√n_s.
   *
   * <p>Source: Hoag et al. 2023 (Seldonian toolkit). HC-RLHF's two-term inflation replaces it.
   *
   * @param values shape [n], n ≥ 2, finite
   * @param delta δ, above 0, below 1
   * @param safetyTestSize n_s ≥ 2
   */
  public static double seldonianCandidateUpper(double[] values, double delta, int safetyTestSize) {
    return Moments.mean(values)
        + 2 * studentTWidth(safetyTestSize, delta) * Moments.sampleStd(values);
  }

  private static double hoeffdingWidth(int n, double low, double high, double delta) {
    Require.openProbability(delta, "delta");
    return (high - low) * Math.sqrt(-Math.log(delta) / (2.0 * n));
  }

  private static double bernsteinWidth(double[] values, double low, double high, double delta) {
    Require.openProbability(delta, "delta");
    int n = values.length;
    double logTerm = Math.log(2 / delta);
    return Math.sqrt(2 * Moments.sampleVariance(values) * logTerm / n)
        + 7 * (high - low) * logTerm / (3 * (n - 1.0));
  }

  private static double meanInRange(double[] values, double low, double high) {
    Require.finite(low, "low");
    Require.inRange(high, Math.nextUp(low), Double.MAX_VALUE, "high");
    double mean = Moments.mean(values);
    for (int i = 0; i < values.length; i++) {
      Require.inRange(values[i], low, high, "values[" + i + "]");
    }
    return mean;
  }
}
