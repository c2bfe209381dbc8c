package io.ballast.training.reward;

import io.ballast.training.data.SplitRule;
import io.ballast.training.scoring.BlockOptions;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import java.util.Locale;

/**
 * How an ensemble of rewards is trained.
 *
 * @param members K ≥ 1
 * @param bootstrap whether each member learns from its own draw of the prompts, with replacement;
 *     else all learn from the same in another order
 * @param labelSmoothing the share of labels that are believed to be wrong, 0 to below ½; of pairs
 * @param flipProbability of each label that trains or stops, 0 to 1: for experiments; what is
 *     measured keeps its labels
 * @param splitBy what is held out whole
 * @param split how much of it
 * @param maxPromptTokens that members see of a prompt, its last ones; 0: all
 * @param seed of flips, draws, order and first weights
 * @param options of a member's training
 * @param ownBlocks how many of the trunk's last blocks each member trains and keeps itself; 0:
 *     none, members are heads on one trunk; {@link #ALL_BLOCKS}: all, members share the embedding
 *     alone
 * @param blocks how those are trained
 */
public record RewardPlan(
    int members,
    boolean bootstrap,
    double labelSmoothing,
    double flipProbability,
    SplitBy splitBy,
    SplitRule split,
    int maxPromptTokens,
    long seed,
    HeadTrainer.Options options,
    int ownBlocks,
    BlockOptions blocks) {
  /** As many blocks as the trunk has. */
  public static final int ALL_BLOCKS = Integer.MAX_VALUE;

  /** Heads on one trunk that all members share. */
  public RewardPlan(
      int members,
      boolean bootstrap,
      double labelSmoothing,
      double flipProbability,
      SplitBy splitBy,
      SplitRule split,
      int maxPromptTokens,
      long seed,
      HeadTrainer.Options options) {
    this(
        members,
        bootstrap,
        labelSmoothing,
        flipProbability,
        splitBy,
        split,
        maxPromptTokens,
        seed,
        options,
        0,
        BlockOptions.defaults());
  }

  /** Checks the ranges above. */
  public RewardPlan {
    require(members >= 1 && members <= 64, "members", members, "1 to 64");
    require(
        labelSmoothing >= 0 && labelSmoothing < 0.5,
        "label smoothing",
        labelSmoothing,
        "0 to < 0.5");
    require(
        flipProbability >= 0 && flipProbability <= 1,
        "flip probability",
        flipProbability,
        "0 to 1");
    require(ownBlocks >= 0, "own blocks", ownBlocks, "≥ 0");
    require(
        ownBlocks == 0 || options.form() == HeadForm.LAYERED,
        "head",
        options.form().name().toLowerCase(Locale.ROOT),
        "layered, where members have blocks of their own");
    require(maxPromptTokens >= 0, "prompt tokens", maxPromptTokens, "≥ 0");
  }

  /** Returns the same with other options of a member's training. */
  public RewardPlan withOptions(HeadTrainer.Options trained) {
    return new RewardPlan(
        members,
        bootstrap,
        labelSmoothing,
        flipProbability,
        splitBy,
        split,
        maxPromptTokens,
        seed,
        trained,
        ownBlocks,
        blocks);
  }

  /** Returns the same with blocks of the members' own. */
  public RewardPlan withOwnBlocks(int count, BlockOptions trained) {
    return new RewardPlan(
        members,
        bootstrap,
        labelSmoothing,
        flipProbability,
        splitBy,
        split,
        maxPromptTokens,
        seed,
        options,
        count,
        trained);
  }

  private static void require(boolean holds, String name, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(name + ": " + value + " (expected: " + expected + ")");
    }
  }
}
