package io.ballast.inference.onnx;

/**
 * Turns a score into a probability: σ(a·score + b).
 *
 * <p>Source: Platt 1999, "Probabilistic outputs for support vector machines".
 *
 * @param a finite
 * @param b finite
 */
public record Calibration(double a, double b) {
  public Calibration {
    if (!Double.isFinite(a) || !Double.isFinite(b)) {
      throw new IllegalArgumentException("a, b: " + a + ", " + b + " (expected: finite)");
    }
  }

  /** Returns the probability, 0 to 1, for a finite score. */
  public double probability(double score) {
    return 1 / (1 + Math.exp(-(a * score + b)));
  }
}
