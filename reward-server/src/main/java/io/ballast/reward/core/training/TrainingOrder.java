package io.ballast.reward.core.training;

import io.ballast.training.data.JudgementData;
import io.ballast.training.feedback.FeedbackRules;
import io.ballast.training.reward.RewardData;
import io.ballast.training.reward.RewardPlan;
import io.ballast.training.reward.TrainingCommand;
import io.ballast.training.reward.VersionName;
import java.time.Instant;
import java.util.Optional;

/**
 * What somebody wants trained.
 *
 * @param tenant whose
 * @param owner the tenant whose alone the version will be; empty: it is everybody's
 * @param ownNamesOnly whether the version must be of a name that is new, or whose versions are all
 *     the owner's
 * @param key the same key of a tenant starts one training; not empty
 * @param fingerprint SHA-256 of all that follows, to tell a repetition from another training
 * @param name NAME, or NAME/VERSION, of what is published
 * @param trunk NAME, or NAME/VERSION, of the decoder that reads the texts
 * @param plan how
 * @param source what it learns from
 * @param skipsBad whether rows that say nothing are left out and counted
 */
public record TrainingOrder(
    String tenant,
    Optional<String> owner,
    boolean ownNamesOnly,
    String key,
    String fingerprint,
    String name,
    String trunk,
    RewardPlan plan,
    Source source,
    boolean skipsBad) {
  /** What a training learns from. */
  public sealed interface Source {
    /**
     * The mesh's feedback of the order's tenant.
     *
     * @param since only what arrived then or later; empty: all
     */
    record Feedback(Optional<Instant> since, FeedbackRules rules) implements Source {}

    /**
     * Judgements that came along.
     *
     * @param fileName what their file is called, for the version's card
     */
    record Upload(String fileName, JudgementData judgements) implements Source {}

    /** Judgements by several objectives that came along. */
    record Objectives(RewardData.Objectives data) implements Source {}
  }

  /**
   * The command line that would train the same.
   *
   * @param trunkVersion NAME/VERSION of the trunk
   */
  public String command(VersionName version, String trunkVersion) {
    String words =
        switch (source) {
          case Source.Feedback feedback ->
              TrainingCommand.feedback(feedback.since(), feedback.rules());
          case Source.Upload upload -> TrainingCommand.file(upload.fileName());
          case Source.Objectives several -> TrainingCommand.objectives(several.data());
        };
    return TrainingCommand.of(words, version, trunkVersion, plan, skipsBad);
  }
}
