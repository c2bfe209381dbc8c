package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Logistic;
import io.ballast.rl.stats.Moments;

/**
 * Turns scores into calibrated probabilities: σ(slope·score + intercept).
 *
 * @param slope finite; positive if higher scores mean more likely
 * @param intercept finite
 */
public record PlattScaling(double slope, double intercept) {
  private static final int MOST_STEPS = 100;
  private static final double SMALLEST_GAIN = 1e-12;

  /** Checks the ranges above. */
  public PlattScaling {
    Require.finite(slope, "slope");
    Require.finite(intercept, "intercept");
  }

  /** Returns the probability that belongs to {@code score}, finite: 0 to 1. */
  public double probability(double score) {
    return Logistic.sigmoid(slope * Require.finite(score, "score") + intercept);
  }

  /**
   * Returns the maximum-likelihood fit with Platt's smoothed targets.
   *
   * <pre>t₊ = (N₊ + 1)/(N₊ + 2),  t₋ = 1/(N₋ + 2)</pre>
   *
   * <p>Source: Platt 1999; Newton's method with step halving after Lin, Lin and Weng 2007. The
   * smoothed targets keep the fit finite on separable scores. Equal scores yield slope 0.
   *
   * @param scores shape [n], finite
   * @param positive shape [n], both labels present
   * @throws IllegalArgumentException if only one label is present: nothing to calibrate then
   */
  public static PlattScaling fit(double[] scores, boolean[] positive) {
    Require.finite(scores, "scores");
    Require.sameLength(positive.length, scores.length, "positive");
    double[] targets = smoothedTargets(positive);
    double mean = Moments.mean(scores);
    double std = Math.sqrt(Moments.populationVariance(scores));
    if (std == 0) {
      return new PlattScaling(0, Logistic.logit(Moments.mean(targets)));
    }
    double[] standard = new double[scores.length];
    for (int i = 0; i < standard.length; i++) {
      standard[i] = (scores[i] - mean) / std;
    }
    double slope = 0;
    double intercept = 0;
    double loss = loss(standard, targets, slope, intercept);
    for (int step = 0; step < MOST_STEPS; step++) {
      double[] direction = newtonDirection(standard, targets, slope, intercept);
      double size = 1;
      double next = loss(standard, targets, slope + direction[0], intercept + direction[1]);
      while (next > loss && size > SMALLEST_GAIN) {
        size /= 2;
        next =
            loss(standard, targets, slope + size * direction[0], intercept + size * direction[1]);
      }
      if (next > loss) {
        break;
      }
      slope += size * direction[0];
      intercept += size * direction[1];
      double gain = loss - next;
      loss = next;
      if (gain < SMALLEST_GAIN * (1 + loss)) {
        break;
      }
    }
    return new PlattScaling(slope / std, intercept - slope * mean / std);
  }

  private static double[] smoothedTargets(boolean[] positive) {
    int positives = 0;
    for (boolean label : positive) {
      positives += label ? 1 : 0;
    }
    int negatives = positive.length - positives;
    if (positives == 0 || negatives == 0) {
      throw new IllegalArgumentException(
          "positive: " + positives + " of " + positive.length + " (expected: both labels)");
    }
    double[] targets = new double[positive.length];
    for (int i = 0; i < targets.length; i++) {
      targets[i] = positive[i] ? (positives + 1.0) / (positives + 2) : 1.0 / (negatives + 2);
    }
    return targets;
  }

  private static double loss(double[] scores, double[] targets, double slope, double intercept) {
    double sum = 0;
    for (int i = 0; i < scores.length; i++) {
      double x = slope * scores[i] + intercept;
      sum +=
          targets[i] * Logistic.negativeLogSigmoid(x)
              + (1 - targets[i]) * Logistic.negativeLogSigmoid(-x);
    }
    return sum;
  }

  /** Newton's step; a small ridge keeps it defined where the curvature vanishes. */
  private static double[] newtonDirection(
      double[] scores, double[] targets, double slope, double intercept) {
    double ss = 1e-10;
    double s1 = 0;
    double s0 = 1e-10;
    double gradientSlope = 0;
    double gradientIntercept = 0;
    for (int i = 0; i < scores.length; i++) {
      double p = Logistic.sigmoid(slope * scores[i] + intercept);
      double curvature = p * (1 - p);
      ss += curvature * scores[i] * scores[i];
      s1 += curvature * scores[i];
      s0 += curvature;
      gradientSlope += (p - targets[i]) * scores[i];
      gradientIntercept += p - targets[i];
    }
    double determinant = ss * s0 - s1 * s1;
    return new double[] {
      -(s0 * gradientSlope - s1 * gradientIntercept) / determinant,
      -(ss * gradientIntercept - s1 * gradientSlope) / determinant
    };
  }
}
