package io.ballast.reward.core;

import io.ballast.rl.aggregation.AggregationMethod;
import org.jspecify.annotations.Nullable;

/**
 * How a request wants members combined; null: as the server does by default.
 *
 * @param uwoLambda the weight of the variance, finite, ≥ 0; read by UWO only
 */
public record AggregationChoice(@Nullable AggregationMethod method, @Nullable Double uwoLambda) {
  /** As the server does by default. */
  public static AggregationChoice unspecified() {
    return new AggregationChoice(null, null);
  }
}
