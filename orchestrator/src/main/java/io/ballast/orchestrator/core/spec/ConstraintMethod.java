package io.ballast.orchestrator.core.spec;

/** How harm gets its price. */
public enum ConstraintMethod {
  /**
   * A multiplier on the pessimistic bound of the mean cost, the linearised cost and the KL in the
   * return: Chittepu et al. 2025, arXiv:2506.08266.
   */
  HC_RLHF,
  /**
   * A multiplier on the mean cost, rewards and costs with advantages of their own: Dai et al. 2024
   * (Safe RLHF), arXiv:2310.12773.
   */
  PPO_LAGRANGIAN,
  /** A price that does not move: reward shaping. */
  FIXED_PENALTY;

  /** Whether the KL to the reference is part of the return, and no term of the loss. */
  public boolean klInReturn() {
    return this != FIXED_PENALTY;
  }

  /** Whether its price moves. */
  public boolean hasMultiplier() {
    return this != FIXED_PENALTY;
  }
}
