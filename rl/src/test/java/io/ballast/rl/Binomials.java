package io.ballast.rl;

import org.apache.commons.statistics.distribution.BinomialDistribution;

/** How often something may happen by chance alone. */
public final class Binomials {
  private Binomials() {}

  /** The most times in {@code trials} that 99 % of samples keep to if each has {@code rate}. */
  public static int most(int trials, double rate) {
    return BinomialDistribution.of(trials, rate).inverseCumulativeProbability(.99);
  }
}
