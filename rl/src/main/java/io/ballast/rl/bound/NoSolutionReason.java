package io.ballast.rl.bound;

/** Why a safety test found no solution. */
public enum NoSolutionReason {
  /** The upper bound is over the threshold. */
  OVER_THRESHOLD,
  /** Student's t of costs that are all the same: their spread is unknown, not nothing. */
  NO_SPREAD
}
