package io.ballast.standalone.cli;

import io.ballast.reward.v1.TrainingHead;
import io.ballast.reward.v1.TrainingOptions;
import io.ballast.reward.v1.TrainingSplit;
import io.ballast.training.data.SplitRule;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.SplitBy;
import io.ballast.training.scoring.BlockOptions;
import io.ballast.training.scoring.HeadForm;
import io.ballast.training.scoring.HeadTrainer;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Spec.Target;

/** How an ensemble of rewards or costs is trained, wherever that happens. */
final class RewardPlanOptions {
  private static final int PROMPT_TOKENS = 96;

  @Option(
      names = "--members",
      defaultValue = "5",
      description = "Members of the ensemble, 1 to 64 (default: ${DEFAULT-VALUE}).")
  private int members;

  @Option(
      names = "--head",
      paramLabel = "FORM",
      defaultValue = "layered",
      description =
          "What a member makes of its features: layered (one hidden layer of tanh) or linear, an"
              + " honest baseline whose members become the same unless there is --bootstrap"
              + " (default: ${DEFAULT-VALUE}).")
  private HeadForm head = HeadForm.LAYERED;

  @Option(
      names = "--own-blocks",
      paramLabel = "N|all",
      defaultValue = "0",
      description =
          "How many of the trunk's last blocks each member trains and keeps itself; all: members"
              + " share the embedding alone. Each costs memory and time when it serves; servers train"
              + " heads alone (default: ${DEFAULT-VALUE}, heads on one trunk).")
  private String ownBlocks = "0";

  @Option(
      names = "--own-rate",
      paramLabel = "RATE",
      defaultValue = "0.0001",
      description = "The learning rate of members' own blocks (default: ${DEFAULT-VALUE}).")
  private double ownRate;

  @Option(
      names = "--bootstrap",
      description =
          "Each member learns from its own draw of the prompts, with replacement. Without it they"
              + " differ by first weights and order.")
  private boolean bootstrap;

  @Option(
      names = "--label-smoothing",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "The share of pairs whose label is believed to be wrong, 0 to below 0.5 (default:"
              + " ${DEFAULT-VALUE}).")
  private double labelSmoothing;

  @Option(
      names = "--flip",
      paramLabel = "SHARE",
      defaultValue = "0",
      description =
          "For experiments: turns this share of the labels round, of all but those that measure"
              + " (default: ${DEFAULT-VALUE}).")
  private double flip;

  @Option(
      names = "--split-by",
      defaultValue = "prompt",
      description =
          "What is held out whole: ${COMPLETION-CANDIDATES}; time: what was judged last (default:"
              + " ${DEFAULT-VALUE}).")
  private SplitBy splitBy = SplitBy.PROMPT;

  @Option(
      names = "--held-out",
      paramLabel = "PERCENT",
      defaultValue = "10",
      description =
          "This much to stop and calibrate, and as much again to measure, 1 to 49 (default:"
              + " ${DEFAULT-VALUE}).")
  private int heldOut;

  @Option(
      names = "--max-prompt-tokens",
      paramLabel = "N",
      description =
          "That members see of a prompt, its last ones, as the server's property"
              + " max-prompt-tokens has it; 0: all (default: 96; of a training by a server what that"
              + " has).")
  private @Nullable Integer maxPromptTokens;

  @Option(
      names = "--epochs",
      defaultValue = "40",
      description = "The most passes over the judgements (default: ${DEFAULT-VALUE}).")
  private int epochs;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of split, flips, draws, order and first weights (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Spec(Target.MIXEE)
  private CommandSpec spec = CommandSpec.create();

  /**
   * The plan.
   *
   * @throws ParameterException if an option is out of its range
   */
  RewardPlan plan() {
    try {
      if (epochs < 1) {
        throw new IllegalArgumentException("--epochs: " + epochs + " (expected: ≥ 1)");
      }
      BlockOptions blocks = BlockOptions.defaults().withLearningRate(ownRate);
      return new RewardPlan(
          members,
          bootstrap,
          labelSmoothing,
          flip,
          splitBy,
          new SplitRule(seed, heldOut, heldOut),
          maxPromptTokens == null ? PROMPT_TOKENS : maxPromptTokens,
          seed,
          HeadTrainer.Options.defaults().withEpochs(epochs).withForm(head),
          ownBlocks(),
          blocks);
    } catch (IllegalArgumentException e) {
      throw new ParameterException(spec.commandLine(), String.valueOf(e.getMessage()), e);
    }
  }

  private int ownBlocks() {
    if (ownBlocks.equals("all")) {
      return RewardPlan.ALL_BLOCKS;
    }
    if (!ownBlocks.matches("[0-9]{1,4}")) {
      throw new IllegalArgumentException(
          "--own-blocks: " + ownBlocks + " (expected: a number of blocks, or all)");
    }
    return Integer.parseInt(ownBlocks);
  }

  /**
   * The plan for a server, which checks it.
   *
   * @throws ParameterException if members are to have blocks of their own, which servers do not
   *     train
   */
  TrainingOptions message() {
    if (!ownBlocks.equals("0")) {
      throw new ParameterException(
          spec.commandLine(),
          "--own-blocks: not with --remote: a server trains heads alone, since passes back through"
              + " the trunk would take cores and memory from what it serves; without --remote the"
              + " version is published in --data");
    }
    TrainingOptions.Builder options =
        TrainingOptions.newBuilder()
            .setMembersCount(members)
            .setHead(
                switch (head) {
                  case LAYERED -> TrainingHead.TRAINING_HEAD_LAYERED;
                  case LINEAR -> TrainingHead.TRAINING_HEAD_LINEAR;
                })
            .setBootstrap(bootstrap)
            .setLabelSmoothing(labelSmoothing)
            .setFlipProbability(flip)
            .setSplit(
                switch (splitBy) {
                  case PROMPT -> TrainingSplit.TRAINING_SPLIT_PROMPT;
                  case USER -> TrainingSplit.TRAINING_SPLIT_USER;
                  case ANNOTATOR -> TrainingSplit.TRAINING_SPLIT_ANNOTATOR;
                  case TIME -> TrainingSplit.TRAINING_SPLIT_TIME;
                })
            .setHeldOutPercent(heldOut)
            .setMaxEpochs(epochs)
            .setSeed(seed);
    if (maxPromptTokens != null) {
      options.setMaxPromptTokens(maxPromptTokens);
    }
    return options.build();
  }
}
