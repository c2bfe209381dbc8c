package io.ballast.reward.core;

import io.ballast.rl.aggregation.AggregationMethod;
import java.time.Duration;

/**
 * How the server judges when a request does not say.
 *
 * @param defaultModel the ensemble that is meant when a request names none
 * @param servingVersion where the alias "serving" of the default ensemble points; of another
 *     ensemble it is the newest version
 * @param method the aggregation
 * @param uwoLambda the weight of the variance in both forms of UWO, ≥ 0
 * @param quantile of LOWER_QUANTILE, above 0, at most 0.5
 * @param quorum the least number of members that must answer; 0: all
 * @param modelTimeout how long an item may wait for its scores
 * @param deadlineReserve how long before the caller's deadline the answer is given, whatever is
 *     there
 */
public record RewardSettings(
    String defaultModel,
    String servingVersion,
    AggregationMethod method,
    double uwoLambda,
    double quantile,
    int quorum,
    Duration modelTimeout,
    Duration deadlineReserve) {}
