package io.ballast.rl.sample;

/** The numbers that a whole completion may carry. */
public enum PerSequenceName {
  /** The aggregated reward; any unit, higher is better. */
  REWARD,
  /** The cost; lower is better; a probability of harm, or its price in the reward's unit. */
  COST,
  /** P(this completion is preferred to its opponent), 0 to 1. */
  PREFERENCE_PROBABILITY,
  /**
   * What the reward is compared with, in its unit: a running mean, or the reward of the prompt's
   * greedy completion (ReMax). Must not depend on the completion.
   */
  BASELINE,
  /** 1 if the completion was cut off at the length limit, 0 if it ended by itself. */
  TRUNCATED,
  /** KTO's z: the mean log-ratio that a rated completion's is compared with, nats. */
  PREFERENCE_BASELINE,
  /** The weight of its likelihood in weighted-likelihood objectives; a constant for gradients. */
  LIKELIHOOD_WEIGHT,
  /** A measure by which a group is split or a curriculum ordered: length, mean entropy. */
  SORTING_MEASURE
}
