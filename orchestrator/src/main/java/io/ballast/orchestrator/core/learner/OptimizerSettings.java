package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;

/**
 * AdamW's constants.
 *
 * @param learningRate above 0, unless a step says otherwise
 * @param beta1 at least 0, below 1
 * @param beta2 at least 0, below 1
 * @param epsilon above 0
 * @param weightDecay at least 0
 * @param maxGradientNorm above 0
 */
public record OptimizerSettings(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double maxGradientNorm) {
  /** What holds where a caller says nothing: β = (0.9, 0.95), ε = 1e-8, no decay, norm 1. */
  public static OptimizerSettings ofRate(double learningRate) {
    return new OptimizerSettings(learningRate, 0.9, 0.95, 1e-8, 0, 1);
  }

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public OptimizerSettings {
    require(learningRate > 0, "learning_rate", learningRate, "> 0");
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "≥ 0 and < 1");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "≥ 0 and < 1");
    require(epsilon > 0, "epsilon", epsilon, "> 0");
    require(weightDecay >= 0, "weight_decay", weightDecay, "≥ 0");
    require(maxGradientNorm > 0, "max_gradient_norm", maxGradientNorm, "> 0");
  }

  private static void require(boolean holds, String field, double value, String expected) {
    if (!holds || !Double.isFinite(value)) {
      throw Faults.malformed("optimizer." + field, value + " (expected: " + expected + ", finite)");
    }
  }
}
