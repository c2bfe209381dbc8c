package io.ballast.standalone.experiment.safety;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.ProportionBounds;
import org.apache.commons.statistics.distribution.NormalDistribution;

/** Intervals of shares of trials. */
final class Rates {
  /** Of intervals of one share: 99 % to either side. */
  static final double SIDE = .01;

  private Rates() {}

  /** Returns a share with Clopper and Pearson's interval; each end alone is wrong 1 time in 100. */
  static Interval of(int count, int trials) {
    return new Interval(
        (double) count / trials,
        ProportionBounds.clopperPearsonLower(count, trials, SIDE),
        ProportionBounds.clopperPearsonUpper(count, trials, SIDE),
        1 - 2 * SIDE);
  }

  /**
   * Returns first − second with the normal interval of a difference of independent shares, at the
   * same confidence; of shares on the same draws it errs on the side of width.
   */
  static Interval difference(int first, int firstTrials, int second, int secondTrials) {
    double p = (double) first / firstTrials;
    double q = (double) second / secondTrials;
    double z = NormalDistribution.of(0, 1).inverseSurvivalProbability(SIDE);
    double width = z * Math.sqrt(p * (1 - p) / firstTrials + q * (1 - q) / secondTrials);
    return new Interval(p - q, p - q - width, p - q + width, 1 - 2 * SIDE);
  }
}
