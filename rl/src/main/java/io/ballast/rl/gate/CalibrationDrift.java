package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import io.ballast.rl.preference.Calibration;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * Whether probabilities that meant what they said still do.
 *
 * <pre>
 * in the large:  Z = Σ (yᵢ − pᵢ)/√Σ pᵢ(1 − pᵢ)
 * Spiegelhalter: Z = Σ (yᵢ − pᵢ)(1 − 2pᵢ)/√Σ (1 − 2pᵢ)²·pᵢ(1 − pᵢ)
 * </pre>
 *
 * <p>Source: Spiegelhalter 1986; Cox 1958. Both are standard normal for calibrated probabilities,
 * whatever the number of rows; the calibration error is not, and of few rows it is large even then:
 * it says how much, they say whether. The first sees that acceptance rose or fell, the second that
 * probabilities are too bold or too shy. A statistic whose variance is 0 is 0.
 *
 * @param rows n ≥ 1
 * @param error expected calibration error over ten bins, 0 to 1
 * @param predicted the mean probability
 * @param observed the share that came true
 * @param inTheLarge the first statistic
 * @param spiegelhalter the second
 */
public record CalibrationDrift(
    int rows,
    double error,
    double predicted,
    double observed,
    double inTheLarge,
    double spiegelhalter) {
  private static final int BINS = 10;

  /** Checks the ranges above. */
  public CalibrationDrift {
    Require.atLeast(rows, 1, "rows");
    Require.probability(error, "error");
    Require.probability(predicted, "predicted");
    Require.probability(observed, "observed");
    Require.finite(inTheLarge, "inTheLarge");
    Require.finite(spiegelhalter, "spiegelhalter");
  }

  /**
   * Measures the rows of a time, such as a week of one tenant.
   *
   * @param probabilities shape [n], n ≥ 1, each above 0, below 1
   * @param happened shape [n]; independent given the probabilities
   */
  public static CalibrationDrift of(double[] probabilities, boolean[] happened) {
    double error = Calibration.expectedError(probabilities, happened, BINS);
    double gap = 0;
    double gapVariance = 0;
    double bold = 0;
    double boldVariance = 0;
    double predicted = 0;
    double observed = 0;
    for (int i = 0; i < probabilities.length; i++) {
      double p = Require.openProbability(probabilities[i], "probabilities[" + i + "]");
      double residual = (happened[i] ? 1 : 0) - p;
      double lean = 1 - 2 * p;
      gap += residual;
      gapVariance += p * (1 - p);
      bold += residual * lean;
      boldVariance += lean * lean * p * (1 - p);
      predicted += p / probabilities.length;
      observed += happened[i] ? 1 : 0;
    }
    return new CalibrationDrift(
        probabilities.length,
        error,
        Math.clamp(predicted, 0, 1),
        observed / probabilities.length,
        gap / Math.sqrt(gapVariance),
        boldVariance == 0 ? 0 : bold / Math.sqrt(boldVariance));
  }

  /**
   * Whether calibrated probabilities would hardly have come out so: with probability at most α in
   * one look, by Bonferroni over the two statistics and their two sides.
   *
   * @param alpha α, above 0, below 1; of many tenants and weeks each needs its part of it
   */
  public boolean drifted(double alpha) {
    Require.openProbability(alpha, "alpha");
    double limit = NormalDistribution.of(0, 1).inverseSurvivalProbability(alpha / 4);
    return Math.max(Math.abs(inTheLarge), Math.abs(spiegelhalter)) > limit;
  }
}
