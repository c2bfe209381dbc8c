package io.ballast.rl.sample;

/** The numbers that a whole completion may carry. */
public enum PerSequenceName {
  /** The aggregated reward; any unit, higher is better. */
  REWARD,
  /** The cost; lower is better; usually a probability of harm. */
  COST,
  /** P(this completion is preferred to its opponent), 0 to 1. */
  PREFERENCE_PROBABILITY,
  /** The weight of its likelihood in weighted-likelihood objectives; a constant for gradients. */
  LIKELIHOOD_WEIGHT,
  /** A measure by which a group is split or a curriculum ordered: length, mean entropy. */
  SORTING_MEASURE
}
