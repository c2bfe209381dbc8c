package io.ballast.rl.preference;

import io.ballast.rl.check.Require;

/** Whether probabilities mean what they say. */
public final class Calibration {
  private Calibration() {}

  /**
   * Returns Brier's score: the mean of (p − outcome)², 0 to 1, lower is better.
   *
   * <p>Source: Brier 1950.
   *
   * @param probabilities shape [n], n ≥ 1, each 0 to 1
   * @param happened shape [n]
   */
  public static double brier(double[] probabilities, boolean[] happened) {
    check(probabilities, happened);
    double sum = 0;
    for (int i = 0; i < probabilities.length; i++) {
      double error = probabilities[i] - (happened[i] ? 1 : 0);
      sum += error * error;
    }
    return sum / probabilities.length;
  }

  /**
   * Returns the expected calibration error over bins of equal width.
   *
   * <pre>Σ_b n_b/n·|mean outcome in b − mean probability in b|</pre>
   *
   * <p>Source: Naeini et al. 2015; Guo et al. 2017, arXiv:1706.04599. Bin b holds [b/B, (b + 1)/B),
   * the last also 1; empty bins do not count.
   *
   * @param bins B ≥ 1
   */
  public static double expectedError(double[] probabilities, boolean[] happened, int bins) {
    check(probabilities, happened);
    Require.atLeast(bins, 1, "bins");
    double[] gap = new double[bins];
    for (int i = 0; i < probabilities.length; i++) {
      int bin = Math.min((int) (probabilities[i] * bins), bins - 1);
      gap[bin] += (happened[i] ? 1 : 0) - probabilities[i];
    }
    double sum = 0;
    for (double difference : gap) {
      sum += Math.abs(difference);
    }
    return sum / probabilities.length;
  }

  /**
   * Returns a probability learned where positives were a share {@code trainingPrior}, corrected for
   * a world where they are a share {@code truePrior}.
   *
   * <pre>p′ = a/(a + b),  a = p·π/t,  b = (1 − p)(1 − π)/(1 − t)</pre>
   *
   * <p>Source: Bayes' rule under prior shift (Elkan 2001, theorem 2), as RLUF needs it after
   * up-sampling, arXiv:2505.14946.
   *
   * @param probability p, 0 to 1
   * @param trainingPrior t, above 0, below 1
   * @param truePrior π, above 0, below 1
   */
  public static double priorCorrected(double probability, double trainingPrior, double truePrior) {
    Require.probability(probability, "probability");
    Require.openProbability(trainingPrior, "trainingPrior");
    Require.openProbability(truePrior, "truePrior");
    double positive = probability * truePrior / trainingPrior;
    double negative = (1 - probability) * (1 - truePrior) / (1 - trainingPrior);
    return positive / (positive + negative);
  }

  private static void check(double[] probabilities, boolean[] happened) {
    Require.probabilities(probabilities, "probabilities");
    Require.sameLength(happened.length, probabilities.length, "happened");
  }
}
