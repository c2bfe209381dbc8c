package io.ballast.rl.objective;

/** How the losses of tokens become one loss. */
public enum LossAggregation {
  /** The mean over all unmasked tokens: long completions weigh more. */
  TOKEN_MEAN,
  /** The mean over completions of the mean over their tokens: each completion weighs the same. */
  SEQUENCE_MEAN_TOKEN_MEAN,
  /** The mean over completions of the sum over their tokens. */
  SEQUENCE_MEAN_TOKEN_SUM,
  /** The mean over groups of the mean over all tokens of each: each prompt weighs the same. */
  GROUP_MEAN_TOKEN_MEAN,
  /** The sum over tokens divided by B·L with a constant L: no length enters (Dr. GRPO). */
  CONSTANT_DIVISOR
}
