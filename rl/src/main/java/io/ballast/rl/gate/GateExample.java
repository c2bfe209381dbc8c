package io.ballast.rl.gate;

import io.ballast.rl.check.Require;

/**
 * One shown suggestion of the validation data.
 *
 * @param stageOne p₁ that stage 1 predicts, 0 to 1
 * @param stageTwo p₂ that stage 2 predicts, 0 to 1
 * @param accepted what the user did
 */
public record GateExample(double stageOne, double stageTwo, boolean accepted) {
  /** Checks the ranges above. */
  public GateExample {
    Require.probability(stageOne, "stageOne");
    Require.probability(stageTwo, "stageTwo");
  }
}
