package io.ballast.training.reward;

import io.ballast.training.feedback.FeedbackRules;
import io.ballast.training.reward.RewardData.Objective;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The command line that makes a version again, without where things lie on a machine. */
public final class TrainingCommand {
  private TrainingCommand() {}

  /**
   * Returns it.
   *
   * @param source what is learned from: what {@link #file}, {@link #feedback} or {@link
   *     #objectives} returns
   * @param trunk NAME/VERSION of the decoder
   */
  public static String of(
      String source, VersionName version, String trunk, RewardPlan plan, boolean skipsBad) {
    return of("reward", source, version, trunk, plan, skipsBad);
  }

  /**
   * Returns it.
   *
   * @param group the command that {@code train} belongs to: reward, cost
   * @param source what is learned from, and the options that are that command's alone
   * @param trunk as in the other
   */
  public static String of(
      String group,
      String source,
      VersionName version,
      String trunk,
      RewardPlan plan,
      boolean skipsBad) {
    return String.format(
        Locale.ROOT,
        "./mesh %s train %s --name %s --trunk %s --members %d --head %s%s%s --label-smoothing"
            + " %s --flip %s --split-by %s --held-out %d --max-prompt-tokens %d --epochs %d --seed"
            + " %d%s",
        group,
        source,
        version,
        trunk,
        plan.members(),
        plan.options().form().name().toLowerCase(Locale.ROOT),
        ownBlocks(plan),
        plan.bootstrap() ? " --bootstrap" : "",
        plan.labelSmoothing(),
        plan.flipProbability(),
        plan.splitBy().name().toLowerCase(Locale.ROOT),
        plan.split().testPercent(),
        plan.maxPromptTokens(),
        plan.options().epochs(),
        plan.seed(),
        skipsBad ? " --skip-bad" : "");
  }

  private static String ownBlocks(RewardPlan plan) {
    if (plan.ownBlocks() == 0) {
      return "";
    }
    return " --own-blocks %s --own-rate %s"
        .formatted(
            plan.ownBlocks() == RewardPlan.ALL_BLOCKS ? "all" : plan.ownBlocks(),
            plan.blocks().learningRate());
  }

  /** Returns the file of judgements that has this name. */
  public static String file(String name) {
    return ShellWord.of(name.startsWith("-") ? "./" + name : name);
  }

  /**
   * Returns the options that weigh the same objectives again. Files that have one name stand in
   * folders named for their objectives.
   */
  public static String objectives(RewardData.Objectives data) {
    List<String> names = data.objectives().stream().map(Objective::fileName).toList();
    return Stream.concat(
            data.objectives().stream()
                .map(
                    each -> {
                      boolean alone = Collections.frequency(names, each.fileName()) == 1;
                      String path = (alone ? "" : each.name() + "/") + each.fileName();
                      return "--objective " + ShellWord.of(each.name() + "=" + path);
                    }),
            data.objectives().stream()
                .map(each -> "--weight %s=%s".formatted(each.name(), each.weight())))
        .collect(Collectors.joining(" "));
  }

  /** Returns the options that read the same feedback again. */
  public static String feedback(Optional<Instant> since, FeedbackRules rules) {
    return String.format(
        Locale.ROOT,
        "--from-feedback%s --feedback-form %s --per-user %d --most %d",
        since.map(time -> " --since " + time).orElse(""),
        rules.form().name().toLowerCase(Locale.ROOT),
        rules.perUser(),
        rules.mostSuggestions());
  }
}
