package io.ballast.reward.core;

import io.ballast.rl.aggregation.AggregationMethod;
import java.util.Arrays;
import java.util.Collection;
import java.util.Optional;
import java.util.stream.Collectors;

/** What the API calls the aggregations: a caller's mistake is told in the caller's words. */
public final class AggregationNames {
  private AggregationNames() {}

  /** The one that is called so, in whatever case; empty: none is. */
  public static Optional<AggregationMethod> method(String name) {
    return Arrays.stream(AggregationMethod.values())
        .filter(method -> of(method).equalsIgnoreCase(name))
        .findFirst();
  }

  /** Such as {@code WCO}. */
  static String of(AggregationMethod method) {
    return switch (method) {
      case MEAN -> "MEAN";
      case WORST_CASE -> "WCO";
      case UNCERTAINTY_WEIGHTED -> "UWO";
      case MEDIAN -> "MEDIAN";
      case LOWER_QUANTILE -> "LOWER_QUANTILE";
      case UNCERTAINTY_WEIGHTED_SAMPLE -> "UWO_SAMPLE";
    };
  }

  /** Such as {@code MEAN, WCO}. */
  public static String of(Collection<AggregationMethod> methods) {
    return methods.stream().map(AggregationNames::of).collect(Collectors.joining(", "));
  }
}
