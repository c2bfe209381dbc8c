package io.ballast.rl.algorithm;

import io.ballast.rl.check.Require;
import io.ballast.rl.regulariser.KlEstimator;

/**
 * The KL to the reference in the reward of each token.
 *
 * @param coefficient β ≥ 0; 0: none
 * @param estimator of each token's KL
 */
public record RewardKl(double coefficient, KlEstimator estimator) {
  /** Checks the range above. */
  public RewardKl {
    Require.notNegative(coefficient, "rewardKlCoefficient");
  }

  /** None. */
  public static RewardKl none() {
    return new RewardKl(0, KlEstimator.K1);
  }
}
