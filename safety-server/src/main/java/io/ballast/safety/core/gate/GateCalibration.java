package io.ballast.safety.core.gate;

import io.ballast.rl.preference.IsotonicRegression;
import io.ballast.rl.preference.PlattScaling;

/**
 * Turns what the trees say, a log-odds, into a probability of acceptance that means what it says.
 */
public sealed interface GateCalibration {
  /**
   * Returns the probability that belongs to {@code score}, 0 to 1.
   *
   * @param score finite
   */
  double probability(double score);

  /** σ(slope·score + intercept). */
  record Platt(PlattScaling scaling) implements GateCalibration {
    @Override
    public double probability(double score) {
      return scaling.probability(score);
    }
  }

  /** What pool-adjacent-violators yields. */
  record Isotonic(IsotonicRegression line) implements GateCalibration {
    /** Checks that its values are probabilities. */
    public Isotonic {
      for (int k = 0; k < line.values().size(); k++) {
        double p = line.values().get(k);
        if (p < 0 || p > 1) {
          throw new IllegalArgumentException(
              "calibration: knot %d: %s (expected: 0 to 1)".formatted(k, p));
        }
      }
    }

    @Override
    public double probability(double score) {
      return line.value(score);
    }
  }
}
