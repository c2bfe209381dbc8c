package io.ballast.rl.aggregation;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import java.util.Arrays;

/**
 * Combines the scores that an ensemble of K models gave one completion.
 *
 * <pre>
 * mean  μ = (1/K)·Σ sᵢ
 * WCO   min sᵢ                 (costs: max)
 * UWO   μ − λ·(1/K)·Σ(sᵢ − μ)² (costs: +)
 * </pre>
 *
 * <p>Source: Coste et al. 2024, arXiv:2310.02743. The variance divides by K, as in the paper and
 * its best-of-n code (its PPO code divides by K − 1: another λ). Members must be on one scale:
 * {@link MemberScale}. λ = 0 means λ = 0, not a default.
 *
 * @param method how
 * @param uncertaintyWeight λ ≥ 0 of {@link AggregationMethod#UNCERTAINTY_WEIGHTED}; not read
 *     otherwise
 * @param side which way is worse
 */
public record ScoreAggregator(
    AggregationMethod method, double uncertaintyWeight, PessimisticSide side) {
  /** Checks the range above. */
  public ScoreAggregator {
    Require.notNegative(uncertaintyWeight, "uncertaintyWeight");
  }

  /** For rewards: the mean. */
  public static ScoreAggregator mean() {
    return new ScoreAggregator(AggregationMethod.MEAN, 0, PessimisticSide.LOW);
  }

  /** For rewards: the lowest score; trusts no model that another contradicts. */
  public static ScoreAggregator worstCase() {
    return new ScoreAggregator(AggregationMethod.WORST_CASE, 0, PessimisticSide.LOW);
  }

  /** For rewards: the mean less {@code weight} times the population variance. */
  public static ScoreAggregator uncertaintyWeighted(double weight) {
    return new ScoreAggregator(AggregationMethod.UNCERTAINTY_WEIGHTED, weight, PessimisticSide.LOW);
  }

  /** Returns the same method for costs, where higher is worse. */
  public ScoreAggregator forCosts() {
    return new ScoreAggregator(method, uncertaintyWeight, PessimisticSide.HIGH);
  }

  /**
   * Returns one number, in the scores' unit.
   *
   * @param scores shape [K], K ≥ 1, all finite; one that is not is refused by index
   */
  public double aggregate(double[] scores) {
    Require.finite(scores, "scores");
    return switch (method) {
      case MEAN -> Moments.mean(scores);
      case WORST_CASE ->
          switch (side) {
            case LOW -> Arrays.stream(scores).min().orElseThrow();
            case HIGH -> Arrays.stream(scores).max().orElseThrow();
          };
      case UNCERTAINTY_WEIGHTED ->
          switch (side) {
            case LOW -> Moments.mean(scores) - penalty(scores);
            case HIGH -> Moments.mean(scores) + penalty(scores);
          };
    };
  }

  /** Returns how far the members disagree: the population standard deviation of {@code scores}. */
  public static double spread(double[] scores) {
    Require.finite(scores, "scores");
    return Math.sqrt(Moments.populationVariance(scores));
  }

  private double penalty(double[] scores) {
    return uncertaintyWeight * Moments.populationVariance(scores);
  }
}
