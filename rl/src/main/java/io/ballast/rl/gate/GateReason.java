package io.ballast.rl.gate;

/** Why a stage decided as it did. */
public enum GateReason {
  /** Stage 1 is sure, and the probability of acceptance is at or above its threshold. */
  CONTEXT_LIKELY_ACCEPTED,
  /** Stage 1 is sure, and the probability of acceptance is below its threshold. */
  CONTEXT_LIKELY_REJECTED,
  /** Stage 1's entropy is at or above the refer threshold. */
  CONTEXT_UNCERTAIN,
  /** Stage 2's probability of acceptance is at or above its threshold. */
  SUGGESTION_LIKELY_ACCEPTED,
  /** Stage 2's probability of acceptance is below its threshold. */
  SUGGESTION_LIKELY_REJECTED,
  /** Likely rejected, but drawn for exploration. */
  EXPLORATION,
  /** Numbers that the estimate needs are missing, so that nothing is withheld by it. */
  INPUT_MISSING
}
