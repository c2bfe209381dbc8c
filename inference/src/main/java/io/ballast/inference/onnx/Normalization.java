package io.ballast.inference.onnx;

/**
 * Brings one member's raw scores to mean 0 and standard deviation 1 over the completions it was
 * trained on, so that members can be compared.
 *
 * @param mean finite, in the raw scores' unit
 * @param std finite, &gt; 0, in the raw scores' unit
 */
public record Normalization(double mean, double std) {
  public Normalization {
    if (!Double.isFinite(mean)) {
      throw new IllegalArgumentException("mean: " + mean + " (expected: finite)");
    }
    if (!(std > 0 && Double.isFinite(std))) {
      throw new IllegalArgumentException("std: " + std + " (expected: > 0)");
    }
  }

  /** Returns (raw − mean) / std. */
  public double normalize(double raw) {
    return (raw - mean) / std;
  }
}
