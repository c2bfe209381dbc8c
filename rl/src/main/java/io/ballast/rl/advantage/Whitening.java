package io.ballast.rl.advantage;

import io.ballast.rl.check.Require;

/** Brings advantages of a whole batch to mean 0 and variance 1. */
public final class Whitening {
  private Whitening() {}

  /**
   * Returns the values whitened by the mean and the standard deviation of those that the mask
   * keeps.
   *
   * <pre>
   * m = Σ wᵢxᵢ / W,  v = Σ wᵢ(xᵢ − m)² / W · W/(W − 1),  W = Σ wᵢ
   * x′ᵢ = (xᵢ − m)/√(v + ε) where wᵢ &gt; 0, else 0
   * </pre>
   *
   * <p>Source: the advantage normalisation of PPO as verl and TRL apply it (masked mean, variance
   * divided by W − 1). The mask enters the numerator of the mean as well: MOSS-RLHF forgot it.
   * Fewer than two unmasked values, or equal ones, carry no signal and yield exact zeros.
   *
   * @param values shape [N], N ≥ 1, finite
   * @param mask shape [N], each 0 to 1
   * @param epsilon added to the variance, &gt; 0
   * @return shape [N], a new array; 0 where the mask is 0
   */
  public static double[] masked(double[] values, double[] mask, double epsilon) {
    Require.finite(values, "values");
    Require.sameLength(mask.length, values.length, "mask");
    Require.probabilities(mask, "mask");
    Require.positive(epsilon, "epsilon");
    double[] whitened = new double[values.length];
    double weight = 0;
    double sum = 0;
    for (int i = 0; i < values.length; i++) {
      weight += mask[i];
      sum += mask[i] * values[i];
    }
    if (weight <= 1 || allKeptEqual(values, mask)) {
      return whitened;
    }
    double mean = sum / weight;
    double squares = 0;
    for (int i = 0; i < values.length; i++) {
      squares += mask[i] * (values[i] - mean) * (values[i] - mean);
    }
    double scale = Math.sqrt(squares / (weight - 1) + epsilon);
    for (int i = 0; i < values.length; i++) {
      whitened[i] = mask[i] > 0 ? (values[i] - mean) / scale : 0;
    }
    return whitened;
  }

  private static boolean allKeptEqual(double[] values, double[] mask) {
    int first = -1;
    for (int i = 0; i < values.length; i++) {
      if (mask[i] > 0) {
        if (first < 0) {
          first = i;
        } else if (values[i] != values[first]) {
          return false;
        }
      }
    }
    return true;
  }
}
