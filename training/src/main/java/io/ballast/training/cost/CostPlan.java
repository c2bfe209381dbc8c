package io.ballast.training.cost;

import io.ballast.training.reward.RewardPlan;

/**
 * How a cost model is trained.
 *
 * @param form of the loss, and where its zero is
 * @param ensemble all else, as of rewards
 */
public record CostPlan(CostForm form, RewardPlan ensemble) {
  /**
   * The weight of the mean squared score. Dai et al. 2024 have 0.001 for the mean square of each of
   * a pair's scores, added up; ours is of the mean over all completions.
   */
  private static final double SCORE_DECAY = 0.002;

  /** Returns a plan with the score decay of the paper. */
  public static CostPlan of(CostForm form, RewardPlan ensemble) {
    return new CostPlan(form, ensemble.withOptions(ensemble.options().withScoreDecay(SCORE_DECAY)));
  }
}
