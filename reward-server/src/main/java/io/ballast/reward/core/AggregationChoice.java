package io.ballast.reward.core;

import io.ballast.rl.aggregation.AggregationMethod;
import org.jspecify.annotations.Nullable;

/**
 * How a request wants members combined; null: as the server does by default.
 *
 * @param uwoLambda the weight of the variance, finite, ≥ 0; read by both forms of UWO only
 * @param quantile above 0, at most 0.5; read by LOWER_QUANTILE only
 */
public record AggregationChoice(
    @Nullable AggregationMethod method, @Nullable Double uwoLambda, @Nullable Double quantile) {
  /** As the server does by default. */
  public static AggregationChoice unspecified() {
    return new AggregationChoice(null, null, null);
  }
}
