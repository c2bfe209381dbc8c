package io.ballast.rl.advantage;

/** Who sets the expectation that a completion's reward is compared with. */
public enum AdvantageEstimator {
  /** The group's mean, in units of its standard deviation: {@link GroupAdvantages#standardized}. */
  GRPO,
  /** The group's mean: {@link GroupAdvantages#centred}. */
  DR_GRPO,
  /** The mean of the others in the group: {@link GroupAdvantages#leaveOneOut}. */
  RLOO,
  /** Nobody: the reward itself. */
  NONE
}
