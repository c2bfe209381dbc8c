package io.ballast.rl.sample;

/** The numbers that a token may carry. Log-probabilities and entropies are in nats. */
public enum PerTokenName {
  /** log π(token) under the weights in training. */
  CURRENT_LOG_PROB(true),
  /** log μ(token) under the version that sampled it; travels with the sample. */
  BEHAVIOUR_LOG_PROB(false),
  /** What the server that sampled said of log μ, where the learner computed μ once more itself. */
  SERVED_LOG_PROB(false),
  /** log π_ref(token) under the frozen reference. */
  REFERENCE_LOG_PROB(false),
  /** log π_t(token) under the policy at the start of the iteration: Nash and mirror methods. */
  ITERATION_LOG_PROB(false),
  /** log-probability under a helper policy: a trained DPO model, a stage-1 policy, a guide. */
  HELPER_LOG_PROB(false),
  /** Entropy of the current policy where the token was drawn. */
  ENTROPY(true),
  /** The critic's value of the state before the token, in the reward's unit. */
  VALUE(true),
  /** The critic's value when the completion was sampled. */
  BEHAVIOUR_VALUE(false),
  /** The cost critic's value, in the cost's unit. */
  COST_VALUE(true),
  /** The cost critic's value when the completion was sampled. */
  BEHAVIOUR_COST_VALUE(false),
  /** The reward of this token. */
  REWARD(false),
  /** The advantage of this token; a constant for every gradient. */
  ADVANTAGE(false),
  /** What the critic should have said. */
  RETURN(false),
  /** What the cost critic should have said. */
  COST_RETURN(false),
  /** The share, 0 to 1, with which the token enters a loss; absent means 1 for all tokens. */
  LOSS_MASK(false);

  private final boolean differentiable;

  PerTokenName(boolean differentiable) {
    this.differentiable = differentiable;
  }

  /** Whether an objective may return a gradient with respect to this number. */
  public boolean differentiable() {
    return differentiable;
  }
}
