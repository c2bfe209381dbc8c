package io.ballast.orchestrator.core.measure;

/** What evaluating a policy on held-out prompts came to. */
public sealed interface EvaluationReading {
  /**
   * Its mean reward. All numbers are finite.
   *
   * @param mean over groups of prompts, each of which counts once; a prompt without a group is one
   * @param low end of Student's interval of the mean
   * @param high end of it
   * @param confidence of the interval, above 0, below 1
   * @param unitsCount n: the groups, ≥ 2
   * @param scoredCount completions that have a reward
   * @param failedCount completions that were asked for and have none, at most as many
   */
  record Measured(
      double mean,
      double low,
      double high,
      double confidence,
      int unitsCount,
      int scoredCount,
      int failedCount)
      implements EvaluationReading {}

  /**
   * There is no number, and none is made up.
   *
   * @param reason for a machine: {@link #TOO_FEW_SCORES}
   * @param message for a person
   */
  record Failed(String reason, String message) implements EvaluationReading {}

  /** More completions have no reward than have, or fewer than two groups have one. */
  String TOO_FEW_SCORES = "TOO_FEW_SCORES";
}
