package io.ballast.rl.gate;

import io.ballast.rl.check.Require;
import io.ballast.rl.preference.Calibration;

/**
 * Whether probabilities that meant what they said still do.
 *
 * <pre>
 * in the large:  Z = Σ (yᵢ − pᵢ)/√Σ pᵢ(1 − pᵢ)
 * Spiegelhalter: Z = Σ (yᵢ − pᵢ)(1 − 2pᵢ)/√Σ (1 − 2pᵢ)²·pᵢ(1 − pᵢ)
 * </pre>
 *
 * <p>Source: Spiegelhalter 1986; Cox 1958. For calibrated probabilities each has mean 0 and
 * variance 1, whatever the number of rows; the calibration error has not, and of few rows it is
 * large even then: it says how much, they say whether. The first sees that acceptance rose or fell,
 * the second that probabilities are too bold or too shy. A statistic whose variance is 0 is 0.
 *
 * <p>Differs: their tails are bounded by Bernstein's inequality (1924), 2·exp(−t²/(2(V + t/3))) for
 * a sum of variance V, not taken from the normal distribution, which alarms too often where
 * acceptance is rare.
 *
 * @param rows n ≥ 1
 * @param error expected calibration error over ten bins, 0 to 1
 * @param predicted the mean probability
 * @param observed the share that came true
 * @param inTheLarge the first statistic
 * @param spiegelhalter the second
 * @param chance at most with what probability calibrated probabilities come out so or worse, by
 *     Bonferroni over the two; 0 if one of 0 or 1 was wrong
 */
public record CalibrationDrift(
    int rows,
    double error,
    double predicted,
    double observed,
    double inTheLarge,
    double spiegelhalter,
    double chance) {
  private static final int BINS = 10;

  /** Checks the ranges above. */
  public CalibrationDrift {
    Require.atLeast(rows, 1, "rows");
    Require.probability(error, "error");
    Require.probability(predicted, "predicted");
    Require.probability(observed, "observed");
    Require.finite(inTheLarge, "inTheLarge");
    Require.finite(spiegelhalter, "spiegelhalter");
    Require.probability(chance, "chance");
  }

  /**
   * Measures the rows of a time, such as a week of one tenant.
   *
   * @param probabilities shape [n], n ≥ 1, each 0 to 1
   * @param happened shape [n]; independent given the probabilities
   */
  public static CalibrationDrift of(double[] probabilities, boolean[] happened) {
    double error = Calibration.expectedError(probabilities, happened, BINS);
    Residuals plain = new Residuals();
    Residuals leaning = new Residuals();
    double predicted = 0;
    double observed = 0;
    boolean impossible = false;
    for (int i = 0; i < probabilities.length; i++) {
      double p = probabilities[i];
      double came = happened[i] ? 1 : 0;
      plain.add(came - p, 1, p);
      leaning.add(came - p, 1 - 2 * p, p);
      predicted += p / probabilities.length;
      observed += came;
      impossible |= Math.abs(came - p) == 1;
    }
    return new CalibrationDrift(
        probabilities.length,
        error,
        Math.clamp(predicted, 0, 1),
        observed / probabilities.length,
        plain.standardised(),
        leaning.standardised(),
        impossible ? 0 : Math.min(1, 2 * Math.min(plain.tail(), leaning.tail())));
  }

  /** A sum of residuals, each times a weight of at most 1, and its variance. */
  private static final class Residuals {
    private double sum;
    private double variance;

    private void add(double residual, double weight, double probability) {
      sum += residual * weight;
      variance += weight * weight * probability * (1 - probability);
    }

    private double standardised() {
      return variance == 0 ? 0 : sum / Math.sqrt(variance);
    }

    private double tail() {
      double size = Math.abs(sum);
      return variance == 0 ? 1 : 2 * Math.exp(-size * size / (2 * (variance + size / 3)));
    }
  }

  /**
   * Whether calibrated probabilities would hardly have come out so: with probability at most α in
   * one look.
   *
   * @param alpha α, above 0, below 1; of many tenants and weeks each needs its part of it
   */
  public boolean drifted(double alpha) {
    return chance <= Require.openProbability(alpha, "alpha");
  }
}
