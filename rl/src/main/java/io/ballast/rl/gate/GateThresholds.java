package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * Where the stages of the display gate draw their lines.
 *
 * @param referEntropyBits stage 1 refers at and above this entropy, 0 to 1 bit; 0 refers always
 * @param stageOne stage 1 withholds below this probability of acceptance, 0 to 1; 0 never
 * @param stageTwo stage 2 withholds below this probability of acceptance, 0 to 1; 0 never
 */
public record GateThresholds(double referEntropyBits, double stageOne, double stageTwo) {
  /** Checks the ranges above. */
  public GateThresholds {
    Require.probability(referEntropyBits, "referEntropyBits");
    Require.probability(stageOne, "stageOne");
    Require.probability(stageTwo, "stageTwo");
  }

  /** Withholds nothing. */
  public static GateThresholds open() {
    return new GateThresholds(0, 0, 0);
  }
}
