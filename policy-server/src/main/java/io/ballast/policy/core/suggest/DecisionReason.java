package io.ballast.policy.core.suggest;

/** Why a decision is what it is. */
public enum DecisionReason {
  LIKELY_ACCEPTED,
  CONTEXT_LIKELY_REJECTED,
  SUGGESTION_LIKELY_REJECTED,
  COST_OVER_THRESHOLD,
  COST_UNAVAILABLE,
  EXPLORED,
  GATE_NOT_ENFORCED,
  GATE_UNAVAILABLE,
  EMPTY_COMPLETION
}
