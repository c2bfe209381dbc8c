package io.ballast.rl.algorithm;

import java.util.Locale;
import java.util.function.DoublePredicate;

/** A number that a part of an algorithm leaves to its user. Which parts read it, they say. */
public enum Knob {
  /** ε below 1. */
  CLIP_LOW("how far a ratio may fall below 1", "> 0 and < 1", v -> v > 0 && v < 1),
  /** ε above 1. */
  CLIP_HIGH("how far a ratio may rise above 1", "> 0", v -> v > 0),
  /** c of Ye et al. 2019. */
  DUAL_CLIP(
      "the largest ratio with a negative advantage; 0: no such limit",
      "0, or > 1",
      v -> v == 0 || v > 1),
  /** C of truncated importance sampling. */
  IMPORTANCE_CAP(
      "the largest weight of a token for the learner's arithmetic against the server's; 0: no weights",
      "≥ 0",
      v -> v >= 0),
  /** β of preference losses. */
  BETA("how much a margin weighs", "> 0", v -> v > 0),
  /** ε of the labels. */
  FLIP_RATE("the share of pairs with the wrong label", "≥ 0 and < 0.5", v -> v >= 0 && v < 0.5),
  /** γ of SimPO, δ of SLiC-HF. */
  TARGET_MARGIN("by how much the chosen one shall lead", "≥ 0", v -> v >= 0),
  /** λ of SLiC-HF. */
  LIKELIHOOD("the weight of the chosen one's likelihood", "≥ 0", v -> v >= 0),
  /** λ of ORPO. */
  ODDS("the weight of the ratio of odds beside the likelihood", "≥ 0", v -> v >= 0),
  /** α of XPO. */
  OPTIMISM("the weight of moving off what the reference writes", "≥ 0", v -> v >= 0),
  /** λ_D of KTO. */
  DESIRABLE_WEIGHT("the weight of good completions", "≥ 0", v -> v >= 0),
  /** λ_U of KTO. */
  UNDESIRABLE_WEIGHT("the weight of bad completions", "≥ 0", v -> v >= 0),
  /** γ of returns. */
  DISCOUNT("what the next token's return counts", "> 0, at most 1", v -> v > 0 && v <= 1),
  /** λ of GAE. */
  TRACE_DECAY("λ of GAE: 0 trusts the critic, 1 the rewards", "0 to 1", v -> v >= 0 && v <= 1),
  /** Whether advantages of GAE are whitened. */
  WHITEN(
      "1: advantages in units of their deviation over all tokens; 0: as they are",
      "0 or 1",
      v -> v == 0 || v == 1),
  /** ε of the critic's loss. */
  VALUE_CLIP(
      "how far one update moves a value, in the reward's unit; 0: no limit", "≥ 0", v -> v >= 0),
  /** The critic's weight in the loss. */
  VALUE_COEFFICIENT("the critic's weight in the loss", "≥ 0", v -> v >= 0),
  /** Trick 8 of PPO-max. */
  CRITIC_WARMUP(
      "how many iterations, from the first on, train the critic alone while the policy stands still; fewer than the run has",
      "a whole number, 0 to 1,000",
      v -> v >= 0 && v <= 1_000 && v == Math.rint(v)),
  /** δ of PPO-max. */
  REWARD_CLIP(
      "the largest reward, in standard deviations of all rewards so far", "> 0", v -> v > 0),
  /** The most rounds of sampling of DAPO; verl's {@code max_num_gen_batches}. */
  MAX_ROUNDS(
      "how often an iteration samples at most until it has as many groups with a signal as it takes prompts; 1: what has none is left out, and nothing is sampled in its place",
      "a whole number, 1 to 100",
      v -> v >= 1 && v <= 100 && v == Math.rint(v)),
  /** L_cache of DAPO. */
  OVERLONG_TOKENS("over how many tokens before the limit the penalty grows", "≥ 1", v -> v >= 1),
  /** c of DAPO. */
  OVERLONG_PENALTY("the penalty at the limit, in the reward's unit", "≥ 0", v -> v >= 0);

  private final String meaning;
  private final String expected;
  private final DoublePredicate holds;

  Knob(String meaning, String expected, DoublePredicate holds) {
    this.meaning = meaning;
    this.expected = expected;
    this.holds = holds;
  }

  /** How a spec writes it: {@code clip_low}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What it is, in a few words. */
  public String meaning() {
    return meaning;
  }

  /** Its range, in words. */
  public String expected() {
    return expected;
  }

  /** Whether {@code value} is finite and within its range. */
  public boolean allows(double value) {
    return Double.isFinite(value) && holds.test(value);
  }
}
