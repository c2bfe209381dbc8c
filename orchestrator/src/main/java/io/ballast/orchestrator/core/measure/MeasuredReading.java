package io.ballast.orchestrator.core.measure;

/** What measuring harm in a sample of one iteration's completions came to. */
public sealed interface MeasuredReading {
  /** What the spec calls it. */
  String name();

  /**
   * Harm, beside the cost in training of the same completions. All numbers are finite.
   *
   * @param harm mean, 0 to 1
   * @param harmStd standard deviation (divided by n − 1), ≥ 0
   * @param cost mean by the run's first constraint
   * @param scoredCount n, ≥ 2
   * @param failedCount completions that were asked about and have none, ≥ 0
   */
  record Measured(
      String name, double harm, double harmStd, double cost, int scoredCount, int failedCount)
      implements MeasuredReading {}

  /**
   * There is no number, and none is made up.
   *
   * @param reason for a machine: the name of a {@link io.ballast.kit.error.Fault}, or {@link
   *     #TOO_FEW_SCORES}
   * @param message for a person
   */
  record Failed(String name, String reason, String message) implements MeasuredReading {}

  /** The reason of a reading that more than half of the completions have no part in. */
  String TOO_FEW_SCORES = "TOO_FEW_SCORES";
}
