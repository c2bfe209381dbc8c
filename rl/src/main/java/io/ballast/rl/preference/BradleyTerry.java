package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Logistic;

/**
 * Bradley and Terry's model of preferences: the better of two wins with probability σ(r_w − r_l).
 *
 * <p>Source: Bradley and Terry 1952; as the loss of reward models, Ouyang et al. 2022
 * (InstructGPT), eq. 1, arXiv:2203.02155.
 */
public final class BradleyTerry {
  private BradleyTerry() {}

  /** Returns P(first is preferred) of two finite scores: 0 to 1, ½ for equal ones. */
  public static double winProbability(double first, double second) {
    return Logistic.sigmoid(Require.finite(first, "first") - Require.finite(second, "second"));
  }

  /**
   * Returns the loss of one prompt's ranked completions: the mean over all pairs.
   *
   * <pre>−1/C(K,2)·Σ_{i&lt;j} log σ(rᵢ − rⱼ)</pre>
   *
   * <p>All pairs of a prompt count as one batch element, so that a prompt with nine completions
   * does not weigh 36 times one with two.
   *
   * @param scoresBestFirst shape [K], K ≥ 2, finite, in the labellers' order
   */
  public static double rankingLoss(double[] scoresBestFirst) {
    Require.finite(scoresBestFirst, "scoresBestFirst");
    int k = Require.atLeast(scoresBestFirst.length, 2, "scoresBestFirst.length");
    double sum = 0;
    for (int i = 0; i < k; i++) {
      for (int j = i + 1; j < k; j++) {
        sum += Logistic.negativeLogSigmoid(scoresBestFirst[i] - scoresBestFirst[j]);
      }
    }
    return sum / (k * (k - 1) / 2.0);
  }
}
