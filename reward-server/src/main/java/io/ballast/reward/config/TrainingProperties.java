package io.ballast.reward.config;

import io.smallrye.config.WithDefault;
import java.time.Duration;

/** What trainings may take, {@code ballast.reward.training.*}. */
public interface TrainingProperties {
  /** Threads that read texts for a training, ≥ 1. */
  @WithDefault("1")
  int threads();

  /** The most judgements that are kept in memory: rows of a file, suggestions of a log; ≥ 1. */
  @WithDefault("50000")
  int maxJudgements();

  /** The most bytes of an uploaded file, and characters of its rows when it is unpacked; ≥ 1. */
  @WithDefault("67108864")
  long maxUploadBytes();

  /** How long whoever uploads a file may send nothing of it before the upload is given up. */
  @WithDefault("PT60S")
  Duration uploadPatience();

  /** How long the server waits for an upload in all, from its plan to the end of its last file. */
  @WithDefault("PT30M")
  Duration uploadTimeout();

  /** How long reading the feedback may take. */
  @WithDefault("PT30M")
  Duration feedbackTimeout();
}
