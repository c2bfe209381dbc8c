package io.ballast.inference.onnx;

/** What a folder's scores mean. */
public enum ScoringKind {
  /** Higher is better; compared within a prompt only. Cautious: the lowest normalised member. */
  REWARD_ENSEMBLE,
  /** Higher is more harmful, as {@link CostScale} says. Cautious: the highest raw member. */
  COST
}
