package io.ballast.reward.config;

import java.time.Duration;

/**
 * What trainings may take, checked once.
 *
 * @param threads that read texts for a training
 * @param maxJudgements that are kept in memory
 * @param maxUploadBytes of a file
 * @param uploadPatience how long an uploader may send nothing
 * @param uploadTimeout how long the server waits for an upload in all
 * @param feedbackTimeout how long reading the feedback may take
 */
public record TrainingConfig(
    int threads,
    int maxJudgements,
    long maxUploadBytes,
    Duration uploadPatience,
    Duration uploadTimeout,
    Duration feedbackTimeout) {
  public TrainingConfig {
    require(threads >= 1, "threads", threads, "≥ 1");
    require(maxJudgements >= 1, "max-judgements", maxJudgements, "≥ 1");
    require(maxUploadBytes >= 1, "max-upload-bytes", maxUploadBytes, "≥ 1");
    require(uploadPatience.isPositive(), "upload-patience", uploadPatience, "> 0");
    require(uploadTimeout.isPositive(), "upload-timeout", uploadTimeout, "> 0");
    require(feedbackTimeout.isPositive(), "feedback-timeout", feedbackTimeout, "> 0");
  }

  /**
   * Reads {@code properties}.
   *
   * @throws IllegalArgumentException if one is out of its range, naming it
   */
  public static TrainingConfig from(TrainingProperties properties) {
    return new TrainingConfig(
        properties.threads(),
        properties.maxJudgements(),
        properties.maxUploadBytes(),
        properties.uploadPatience(),
        properties.uploadTimeout(),
        properties.feedbackTimeout());
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.reward.training.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
