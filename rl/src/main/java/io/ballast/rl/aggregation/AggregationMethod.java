package io.ballast.rl.aggregation;

/** How an ensemble's scores become one number. */
public enum AggregationMethod {
  /** Their mean. */
  MEAN,
  /** The most pessimistic one: the lowest reward, the highest cost. */
  WORST_CASE,
  /** Their mean, made worse by λ times their population variance. */
  UNCERTAINTY_WEIGHTED
}
