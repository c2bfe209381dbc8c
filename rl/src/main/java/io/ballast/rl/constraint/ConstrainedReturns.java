package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/** How reward and cost become one signal under a multiplier λ. */
public final class ConstrainedReturns {
  private ConstrainedReturns() {}

  /**
   * Returns the advantages of reward and cost combined.
   *
   * <pre>Â = (A_r − λ·A_c)/(1 + λ)</pre>
   *
   * <p>Source: Dai et al. 2024 (Safe RLHF), arXiv:2310.12773. The division keeps the size of a step
   * bounded as λ grows. λ = 0 yields the reward's advantages.
   *
   * @param rewardAdvantages shape [N], N ≥ 1, finite
   * @param costAdvantages shape [N], finite: positive means costlier than expected
   * @param lambda λ ≥ 0
   * @return shape [N], a new array
   */
  public static double[] combinedAdvantages(
      double[] rewardAdvantages, double[] costAdvantages, double lambda) {
    Require.finite(rewardAdvantages, "rewardAdvantages");
    Require.sameLength(costAdvantages.length, rewardAdvantages.length, "costAdvantages");
    Require.finite(costAdvantages, "costAdvantages");
    Require.notNegative(lambda, "lambda");
    double[] combined = new double[rewardAdvantages.length];
    for (int i = 0; i < combined.length; i++) {
      combined[i] = (rewardAdvantages[i] - lambda * costAdvantages[i]) / (1 + lambda);
    }
    return combined;
  }

  /**
   * Returns HC-RLHF's return of one completion, for RLOO.
   *
   * <pre>G = clip(R − β·kl, −bound, bound) − λ·c̃</pre>
   *
   * <p>Source: Chittepu et al. 2025 (HC-RLHF), arXiv:2506.08266, as its code does it: not divided
   * by 1 + λ, and clipped at ±50.
   *
   * @param reward R, finite
   * @param kl Σₜ (log π − log π_ref) of the completion, nats, finite
   * @param klCoefficient β ≥ 0
   * @param bound &gt; 0, in the reward's unit
   * @param lambda λ ≥ 0
   * @param linearisedCost c̃ of {@link PessimisticCost#linearised}, finite
   */
  public static double pessimisticReturn(
      double reward,
      double kl,
      double klCoefficient,
      double bound,
      double lambda,
      double linearisedCost) {
    Require.finite(reward, "reward");
    Require.finite(kl, "kl");
    Require.notNegative(klCoefficient, "klCoefficient");
    Require.positive(bound, "bound");
    Require.notNegative(lambda, "lambda");
    Require.finite(linearisedCost, "linearisedCost");
    return Math.clamp(reward - klCoefficient * kl, -bound, bound) - lambda * linearisedCost;
  }
}
