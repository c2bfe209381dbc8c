package io.ballast.rl.sample;

/** What part a completion plays in its group. */
public enum SampleRole {
  /** Sampled from the policy and judged. */
  ROLLOUT,
  /** The preferred one of a pair. */
  CHOSEN,
  /** The other one of a pair. */
  REJECTED,
  /** Good by itself, without a partner. */
  DESIRABLE,
  /** Bad by itself, without a partner. */
  UNDESIRABLE,
  /** Neither learned from nor rated: only its likelihood under several policies is used. */
  CALIBRATION,
  /** Judged and not learned from: what others are compared with, such as a greedy completion. */
  BASELINE,
  /** Sampled from the frozen reference and judged. */
  REFERENCE_ROLLOUT,
  /** Text from people or another model, to be imitated. */
  DEMONSTRATION,
  /** A completion that was revised under a critique. */
  REFINEMENT
}
