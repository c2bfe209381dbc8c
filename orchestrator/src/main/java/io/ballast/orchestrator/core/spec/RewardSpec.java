package io.ballast.orchestrator.core.spec;

import io.ballast.rl.aggregation.AggregationMethod;
import org.jspecify.annotations.Nullable;

/**
 * Who rewards completions.
 *
 * @param model the ensemble or composite
 * @param aggregation how the scores of an ensemble's members become one reward; null of a composite
 *     (the spec says NONE), whose own file says it
 * @param uwoLambda the weight of the variance in both forms of UNCERTAINTY_WEIGHTED, ≥ 0; not read
 *     otherwise
 * @param quantile of LOWER_QUANTILE, above 0, at most 0.5; not read otherwise
 */
public record RewardSpec(
    ModelRef model, @Nullable AggregationMethod aggregation, double uwoLambda, double quantile) {
  /** Of a composite, whose own file says how its components become one reward. */
  public static RewardSpec composite(ModelRef model) {
    return new RewardSpec(model, null, SpecDefaults.UWO_LAMBDA, SpecDefaults.QUANTILE);
  }
}
