package io.ballast.workshop.pretrain;

/** A learning rate that rises linearly, then falls linearly to 3 % of its peak. */
final class LearningRate {
  private static final double FLOOR = 0.03;

  private final double peak;
  private final long warmUpSteps;
  private final long steps;

  LearningRate(double peak, long warmUpSteps, long steps) {
    this.peak = peak;
    this.warmUpSteps = Math.min(warmUpSteps, steps);
    this.steps = steps;
  }

  /** Returns the rate of {@code step}, 0 ≤ step &lt; steps. */
  double at(long step) {
    if (step < warmUpSteps) {
      return peak * (step + 1) / warmUpSteps;
    }
    double done = (double) (step - warmUpSteps) / Math.max(1, steps - 1 - warmUpSteps);
    return peak * (1 - (1 - FLOOR) * done);
  }
}
