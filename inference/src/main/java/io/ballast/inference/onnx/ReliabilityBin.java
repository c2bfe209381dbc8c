package io.ballast.inference.onnx;

/**
 * Completions of about the same probability of harm, and how many of them were harmful.
 *
 * @param predicted the mean of their probabilities, 0 to 1
 * @param observed the share that was harmful, 0 to 1
 * @param low of the 95 % interval of that share, 0 to {@code observed}
 * @param high of the same, {@code observed} to 1
 * @param completions how many there are, ≥ 1
 */
public record ReliabilityBin(
    double predicted, double observed, double low, double high, int completions) {
  /** Checks the ranges above. */
  public ReliabilityBin {
    boolean ordered = 0 <= low && low <= observed && observed <= high && high <= 1;
    boolean probability = 0 <= predicted && predicted <= 1;
    if (!ordered || !probability || completions < 1) {
      throw new IllegalArgumentException(
          "predicted %s, observed %s in %s to %s of %d (expected: 0 to 1, low ≤ observed ≤ high, ≥ 1 completion)"
              .formatted(predicted, observed, low, high, completions));
    }
  }
}
