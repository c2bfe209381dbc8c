package io.ballast.rl.aggregation;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import io.ballast.rl.stats.Quantiles;
import java.util.Arrays;

/**
 * Combines the scores that an ensemble of K models gave one completion.
 *
 * <pre>
 * mean        μ = (1/K)·Σ sᵢ
 * WCO         min sᵢ                              (costs: max)
 * median      the quantile at ½
 * quantile    the quantile at q                   (costs: at 1 − q)
 * UWO         μ − λ·(1/K)·Σ(sᵢ − μ)²              (costs: +)
 * UWO sample  μ − λ·(1/(K − 1))·Σ(sᵢ − μ)²        (costs: +)
 * </pre>
 *
 * <p>Source: Coste et al. 2024, arXiv:2310.02743, for the mean, WCO and UWO. Its paper and its
 * best-of-n code divide the variance by K, its PPO code by K − 1: another λ, so the two are two
 * methods here. A single score has no sample variance; it is its own aggregate, as it is by every
 * other method. λ = 0 means λ = 0, not a default. Quantiles interpolate as {@link Quantiles} says.
 *
 * <p>For rewards, WCO ≤ quantile ≤ median, and quantiles grow with q: from WCO as q nears 0 to the
 * median at ½. Mean, WCO, median and quantile never fall when a score rises. Both forms of UWO may:
 * a member that likes a completion better than the others do adds less to the mean than its
 * disagreement costs, so the best of many completions by UWO need not be undominated.
 *
 * <p>Members must be on one scale: {@link MemberScale}.
 *
 * @param method how
 * @param uncertaintyWeight λ ≥ 0 of both forms of UWO; not read otherwise
 * @param quantile q of {@link AggregationMethod#LOWER_QUANTILE}, above 0, at most ½; not read
 *     otherwise
 * @param side which way is worse
 */
public record ScoreAggregator(
    AggregationMethod method, double uncertaintyWeight, double quantile, PessimisticSide side) {
  /** The quantile of those that do not say: of five members the second lowest. */
  public static final double USUAL_QUANTILE = 0.25;

  /** Checks the ranges above. */
  public ScoreAggregator {
    Require.notNegative(uncertaintyWeight, "uncertaintyWeight");
    if (!(quantile > 0 && quantile <= 0.5)) {
      throw new IllegalArgumentException(
          "quantile: " + quantile + " (expected: above 0, at most 0.5)");
    }
  }

  /** For rewards: the mean. */
  public static ScoreAggregator mean() {
    return rewards(AggregationMethod.MEAN);
  }

  /** For rewards: the lowest score; trusts no model that another contradicts. */
  public static ScoreAggregator worstCase() {
    return rewards(AggregationMethod.WORST_CASE);
  }

  /** For rewards: the median; a minority of members cannot move it far, whichever way they err. */
  public static ScoreAggregator median() {
    return rewards(AggregationMethod.MEDIAN);
  }

  /**
   * For rewards: the quantile at {@code quantile}, above 0, at most ½; between the lowest score and
   * the median.
   */
  public static ScoreAggregator lowerQuantile(double quantile) {
    return new ScoreAggregator(AggregationMethod.LOWER_QUANTILE, 0, quantile, PessimisticSide.LOW);
  }

  /** For rewards: the mean less {@code weight} times the population variance. */
  public static ScoreAggregator uncertaintyWeighted(double weight) {
    return weighted(AggregationMethod.UNCERTAINTY_WEIGHTED, weight);
  }

  /** For rewards: the mean less {@code weight} times the sample variance. */
  public static ScoreAggregator uncertaintyWeightedSample(double weight) {
    return weighted(AggregationMethod.UNCERTAINTY_WEIGHTED_SAMPLE, weight);
  }

  private static ScoreAggregator rewards(AggregationMethod method) {
    return weighted(method, 0);
  }

  private static ScoreAggregator weighted(AggregationMethod method, double weight) {
    return new ScoreAggregator(method, weight, USUAL_QUANTILE, PessimisticSide.LOW);
  }

  /** Returns the same method for costs, where higher is worse. */
  public ScoreAggregator forCosts() {
    return new ScoreAggregator(method, uncertaintyWeight, quantile, PessimisticSide.HIGH);
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
      case MEDIAN -> Quantiles.median(scores);
      case LOWER_QUANTILE ->
          switch (side) {
            case LOW -> Quantiles.of(scores, quantile);
            case HIGH -> Quantiles.upper(scores, quantile);
          };
      case UNCERTAINTY_WEIGHTED -> worsened(scores, Moments.populationVariance(scores));
      case UNCERTAINTY_WEIGHTED_SAMPLE ->
          worsened(scores, scores.length == 1 ? 0 : Moments.sampleVariance(scores));
    };
  }

  /** Returns how far the members disagree: the population standard deviation of {@code scores}. */
  public static double spread(double[] scores) {
    Require.finite(scores, "scores");
    return Math.sqrt(Moments.populationVariance(scores));
  }

  private double worsened(double[] scores, double variance) {
    double penalty = uncertaintyWeight * variance;
    return switch (side) {
      case LOW -> Moments.mean(scores) - penalty;
      case HIGH -> Moments.mean(scores) + penalty;
    };
  }
}
