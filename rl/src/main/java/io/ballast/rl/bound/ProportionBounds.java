package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import org.apache.commons.statistics.distribution.BetaDistribution;
import org.apache.commons.statistics.distribution.NormalDistribution;

/**
 * One-sided confidence bounds of a proportion, from {@code successes} of {@code trials}, each at
 * confidence 1 − δ.
 *
 * <p>All methods take 0 ≤ successes ≤ trials, trials ≥ 1, and δ above 0, below 1; all answer in [0,
 * 1].
 */
public final class ProportionBounds {
  private ProportionBounds() {}

  /**
   * Returns Clopper and Pearson's lower bound: covers with at least 1 − δ, whatever the truth.
   *
   * <p>Source: Clopper and Pearson 1934: the δ-quantile of Beta(k, n − k + 1); 0 for k = 0.
   */
  public static double clopperPearsonLower(int successes, int trials, double delta) {
    check(successes, trials, delta);
    return successes == 0
        ? 0
        : BetaDistribution.of(successes, trials - successes + 1.0)
            .inverseCumulativeProbability(delta);
  }

  /** Returns Clopper and Pearson's upper bound; 1 for k = n. */
  public static double clopperPearsonUpper(int successes, int trials, double delta) {
    check(successes, trials, delta);
    return 1 - clopperPearsonLower(trials - successes, trials, delta);
  }

  /**
   * Returns Wilson's lower bound: closer to 1 − δ on average, sometimes a little below it.
   *
   * <p>Source: Wilson 1927; the score test inverted.
   */
  public static double wilsonLower(int successes, int trials, double delta) {
    check(successes, trials, delta);
    if (successes == 0) {
      return 0;
    }
    double z = NormalDistribution.of(0, 1).inverseSurvivalProbability(delta);
    double n = trials;
    double p = successes / n;
    double centre = p + z * z / (2 * n);
    double width = z * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
    return Math.clamp((centre - width) / (1 + z * z / n), 0, 1);
  }

  /** Returns Wilson's upper bound. */
  public static double wilsonUpper(int successes, int trials, double delta) {
    check(successes, trials, delta);
    return 1 - wilsonLower(trials - successes, trials, delta);
  }

  private static void check(int successes, int trials, double delta) {
    Require.atLeast(trials, 1, "trials");
    Require.inRange(successes, 0, trials, "successes");
    Require.openProbability(delta, "delta");
  }
}
