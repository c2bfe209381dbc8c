package io.ballast.orchestrator.core.watch;

/** What asking the gold reward about a sample of one iteration's completions came to. */
public sealed interface GoldReading {
  /**
   * Gold, beside the reward in training of the same completions. All numbers are finite.
   *
   * @param gold mean
   * @param goldStd standard deviation (divided by n − 1), ≥ 0
   * @param proxy mean of the reward in training
   * @param proxyStd its standard deviation, ≥ 0
   * @param scoredCount n, ≥ 2
   * @param failedCount completions that were asked about and have no gold, ≥ 0
   */
  record Measured(
      double gold, double goldStd, double proxy, double proxyStd, int scoredCount, int failedCount)
      implements GoldReading {}

  /**
   * There is no number, and none is made up.
   *
   * @param reason for a machine: the name of a {@link io.ballast.kit.error.Fault}, or {@link
   *     #TOO_FEW_SCORES}
   * @param message for a person
   */
  record Failed(String reason, String message) implements GoldReading {}

  /** The reason of a reading that more than half of the completions have no part in. */
  String TOO_FEW_SCORES = "TOO_FEW_SCORES";
}
