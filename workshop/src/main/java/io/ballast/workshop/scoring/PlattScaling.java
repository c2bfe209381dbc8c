package io.ballast.workshop.scoring;

import io.ballast.inference.onnx.Calibration;

/**
 * Fits a {@link Calibration} to scores and what came true.
 *
 * <p>Source: Platt 1999, with the damped Newton steps of Lin, Lin and Weng 2007, "A note on Platt's
 * probabilistic outputs". Targets are smoothed, so that separable scores stay finite.
 */
final class PlattScaling {
  private static final int STEPS = 100;
  private static final double RIDGE = 1e-12;

  private PlattScaling() {}

  /**
   * Returns the a and b of the greatest likelihood.
   *
   * @param scores shape [N], N ≥ 1, finite
   * @param events shape [N]: whether it came true
   */
  static Calibration fit(double[] scores, boolean[] events) {
    int positives = 0;
    for (boolean event : events) {
      positives += event ? 1 : 0;
    }
    int negatives = events.length - positives;
    double high = (positives + 1.0) / (positives + 2.0);
    double low = 1 / (negatives + 2.0);
    double a = 0;
    double b = Math.log((positives + 1.0) / (negatives + 1.0));
    double loss = loss(scores, events, high, low, a, b);
    for (int step = 0; step < STEPS; step++) {
      double[] g = new double[2];
      double[] h = {RIDGE, 0, RIDGE};
      for (int i = 0; i < scores.length; i++) {
        double p = GroupLoss.sigmoid(a * scores[i] + b);
        double gap = p - (events[i] ? high : low);
        double curvature = p * (1 - p);
        g[0] += gap * scores[i];
        g[1] += gap;
        h[0] += curvature * scores[i] * scores[i];
        h[1] += curvature * scores[i];
        h[2] += curvature;
      }
      double determinant = h[0] * h[2] - h[1] * h[1];
      if (!(determinant > 0) || Math.hypot(g[0], g[1]) < 1e-9) {
        break;
      }
      double moveA = (h[2] * g[0] - h[1] * g[1]) / determinant;
      double moveB = (h[0] * g[1] - h[1] * g[0]) / determinant;
      double size = 1;
      double next = loss(scores, events, high, low, a - moveA, b - moveB);
      while (!(next < loss) && size > 1e-10) {
        size /= 2;
        next = loss(scores, events, high, low, a - size * moveA, b - size * moveB);
      }
      if (!(next < loss)) {
        break;
      }
      a -= size * moveA;
      b -= size * moveB;
      loss = next;
    }
    return new Calibration(a, b);
  }

  private static double loss(
      double[] scores, boolean[] events, double high, double low, double a, double b) {
    double loss = 0;
    for (int i = 0; i < scores.length; i++) {
      double z = a * scores[i] + b;
      double target = events[i] ? high : low;
      loss += GroupLoss.softplus(z) - target * z;
    }
    return loss;
  }
}
