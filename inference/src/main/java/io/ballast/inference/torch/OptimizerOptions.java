package io.ballast.inference.torch;

/**
 * AdamW's constants. Source: Loshchilov and Hutter 2019, arXiv:1711.05101.
 *
 * @param beta1 decay of the first moment, in [0, 1)
 * @param beta2 decay of the second moment, in [0, 1)
 * @param epsilon added to the root of the second moment, &gt; 0
 * @param weightDecay times the learning rate, the share of each matrix that a step takes away, ≥ 0;
 *     norms do not decay
 * @param maxGradientNorm gradients are scaled down to this Euclidean norm over all weights, &gt; 0;
 *     infinity leaves them as they are
 */
public record OptimizerOptions(
    double beta1, double beta2, double epsilon, double weightDecay, double maxGradientNorm) {
  public OptimizerOptions {
    require(beta1 >= 0 && beta1 < 1, "beta1: " + beta1 + " (expected: ≥ 0 and < 1)");
    require(beta2 >= 0 && beta2 < 1, "beta2: " + beta2 + " (expected: ≥ 0 and < 1)");
    require(epsilon > 0, "epsilon: " + epsilon + " (expected: > 0)");
    require(weightDecay >= 0, "weight_decay: " + weightDecay + " (expected: ≥ 0)");
    require(maxGradientNorm > 0, "max_gradient_norm: " + maxGradientNorm + " (expected: > 0)");
  }

  /** β = (0.9, 0.95), ε = 1e-8, decay 0.05, norm at most 1: what pretraining uses. */
  public static OptimizerOptions pretraining() {
    return new OptimizerOptions(0.9, 0.95, 1e-8, 0.05, 1);
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
