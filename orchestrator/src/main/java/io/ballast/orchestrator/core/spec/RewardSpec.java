package io.ballast.orchestrator.core.spec;

import io.ballast.rl.aggregation.AggregationMethod;

/**
 * Who rewards completions.
 *
 * @param ensemble the reward models
 * @param aggregation how their scores become one reward
 * @param uwoLambda the weight of the variance in both forms of UNCERTAINTY_WEIGHTED, ≥ 0; not read
 *     otherwise
 * @param quantile of LOWER_QUANTILE, above 0, at most 0.5; not read otherwise
 */
public record RewardSpec(
    ModelRef ensemble, AggregationMethod aggregation, double uwoLambda, double quantile) {}
