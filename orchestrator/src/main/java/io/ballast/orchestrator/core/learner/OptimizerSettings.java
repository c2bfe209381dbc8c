package io.ballast.orchestrator.core.learner;

import io.ballast.orchestrator.core.Faults;

/**
 * AdamW's constants.
 *
 * @param learningRate above 0, at most 1, unless a step says otherwise
 * @param beta1 at least 0, below 1
 * @param beta2 at least 0, below 1
 * @param epsilon above 0
 * @param weightDecay at least 0, and times the learning rate below 1
 * @param maxGradientNorm above 0
 */
public record OptimizerSettings(
    double learningRate,
    double beta1,
    double beta2,
    double epsilon,
    double weightDecay,
    double maxGradientNorm) {
  /** What {@link #isRate} takes, in words. */
  public static final String RATES = "> 0 and ≤ 1";

  /** What {@link #isDecay} takes, in words. */
  public static final String DECAYS = "≥ 0, and times the learning rate below 1";

  /** Whether an update may have this learning rate. */
  public static boolean isRate(double learningRate) {
    return learningRate > 0 && learningRate <= 1;
  }

  /** Whether weights may decay so at a learning rate: an update leaves some of each. */
  public static boolean isDecay(double weightDecay, double learningRate) {
    return weightDecay >= 0 && weightDecay * learningRate < 1;
  }

  /** What holds where a caller says nothing: β = (0.9, 0.95), ε = 1e-8, no decay, norm 1. */
  public static OptimizerSettings ofRate(double learningRate) {
    return new OptimizerSettings(learningRate, 0.9, 0.95, 1e-8, 0, 1);
  }

  /** Checks the ranges above; a failure is MALFORMED_REQUEST and names the field. */
  public OptimizerSettings {
    require(isRate(learningRate), "learning_rate", learningRate, RATES);
    require(beta1 >= 0 && beta1 < 1, "beta1", beta1, "≥ 0 and < 1");
    require(beta2 >= 0 && beta2 < 1, "beta2", beta2, "≥ 0 and < 1");
    require(epsilon > 0 && Double.isFinite(epsilon), "epsilon", epsilon, "> 0, finite");
    require(isDecay(weightDecay, learningRate), "weight_decay", weightDecay, DECAYS);
    require(
        maxGradientNorm > 0 && Double.isFinite(maxGradientNorm),
        "max_gradient_norm",
        maxGradientNorm,
        "> 0, finite");
  }

  private static void require(boolean holds, String field, double value, String expected) {
    if (!holds) {
      throw Faults.malformed("optimizer." + field, value + " (expected: " + expected + ")");
    }
  }

  /**
   * Requires that an update may have a rate of its own.
   *
   * @throws io.ballast.kit.error.MeshException MALFORMED_REQUEST
   */
  void requireRate(double ofUpdate) {
    if (!isRate(ofUpdate)) {
      throw Faults.malformed("learning_rate", ofUpdate + " (expected: " + RATES + ")");
    }
    if (!isDecay(weightDecay, ofUpdate)) {
      throw Faults.malformed(
          "learning_rate",
          "%s (expected: times the weight decay, %s, below 1)".formatted(ofUpdate, weightDecay));
    }
  }
}
