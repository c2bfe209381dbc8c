package io.ballast.safety.core.gate;

import io.ballast.rl.preference.PlattScaling;
import java.util.List;

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

  /**
   * A rising line through knots, level beyond the first and the last: what pool-adjacent-violators
   * yields.
   *
   * @param scores shape [n], n ≥ 1, finite, strictly ascending
   * @param probabilities shape [n], each 0 to 1, not descending
   */
  record Isotonic(List<Double> scores, List<Double> probabilities) implements GateCalibration {
    /** Checks the shapes above. */
    public Isotonic {
      scores = List.copyOf(scores);
      probabilities = List.copyOf(probabilities);
      if (scores.isEmpty() || scores.size() != probabilities.size()) {
        throw new IllegalArgumentException(
            "calibration: %d scores, %d probabilities (expected: as many of both, at least 1)"
                .formatted(scores.size(), probabilities.size()));
      }
      for (int i = 0; i < scores.size(); i++) {
        double p = probabilities.get(i);
        boolean holds =
            Double.isFinite(scores.get(i))
                && p >= 0
                && p <= 1
                && (i == 0 || (scores.get(i) > scores.get(i - 1) && p >= probabilities.get(i - 1)));
        if (!holds) {
          throw new IllegalArgumentException(
              "calibration: knot %d (%s, %s) (expected: scores ascend, probabilities do not descend)"
                  .formatted(i, scores.get(i), p));
        }
      }
    }

    @Override
    public double probability(double score) {
      int last = scores.size() - 1;
      if (score <= scores.get(0)) {
        return probabilities.get(0);
      }
      if (score >= scores.get(last)) {
        return probabilities.get(last);
      }
      int right = 1;
      while (scores.get(right) < score) {
        right++;
      }
      double share = (score - scores.get(right - 1)) / (scores.get(right) - scores.get(right - 1));
      double low = probabilities.get(right - 1);
      return low + share * (probabilities.get(right) - low);
    }
  }
}
