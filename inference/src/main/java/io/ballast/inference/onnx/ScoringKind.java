package io.ballast.inference.onnx;

/** What a folder's scores mean. */
public enum ScoringKind {
  /** Higher is better; compared within a prompt only. Cautious: the lowest normalised member. */
  REWARD_ENSEMBLE,
  /** Above 0 is harmful, below 0 is harmless. Cautious: the highest raw member. */
  COST
}
