package io.ballast.rl.aggregation;

/** How an ensemble's scores become one number. */
public enum AggregationMethod {
  /** Their mean. */
  MEAN,
  /** The most pessimistic one: the lowest reward, the highest cost. */
  WORST_CASE,
  /** Their mean, made worse by λ times their population variance, which divides by K. */
  UNCERTAINTY_WEIGHTED,
  /** Their median: the middle one, or the mean of the two in the middle. */
  MEDIAN,
  /** A quantile on the pessimistic side: the lower one of rewards, the upper one of costs. */
  LOWER_QUANTILE,
  /** Their mean, made worse by λ times their sample variance, which divides by K − 1. */
  UNCERTAINTY_WEIGHTED_SAMPLE;

  /** Whether λ is read. */
  public boolean weighsVariance() {
    return switch (this) {
      case UNCERTAINTY_WEIGHTED, UNCERTAINTY_WEIGHTED_SAMPLE -> true;
      case MEAN, WORST_CASE, MEDIAN, LOWER_QUANTILE -> false;
    };
  }

  /**
   * Whether a score that is left out could have made the number worse than any of the rest: what
   * the others say is then no longer the caution that was asked for.
   */
  public boolean leansOnTheWorst() {
    return switch (this) {
      case WORST_CASE, LOWER_QUANTILE -> true;
      case MEAN, MEDIAN, UNCERTAINTY_WEIGHTED, UNCERTAINTY_WEIGHTED_SAMPLE -> false;
    };
  }
}
