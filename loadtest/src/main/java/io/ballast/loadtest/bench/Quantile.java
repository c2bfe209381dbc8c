package io.ballast.loadtest.bench;

import java.util.Locale;
import org.HdrHistogram.AbstractHistogram;
import org.apache.commons.statistics.distribution.BinomialDistribution;

/**
 * A percentile of calls and its 95 % interval by order statistics, in milliseconds; NaN where there
 * was no call. How many of them are beyond the true percentile is binomial: the interval begins at
 * the call that has as many behind it as are likely, and ends at the one that has as few. Calls
 * that one stall holds up are not independent, and their interval is narrower than it should be.
 *
 * <p>Source: David and Nagaraja 2003, Order Statistics, §7.1.
 *
 * @param value of the calls that were measured
 * @param least that it may be
 * @param most that it may be; infinite where there are too few calls
 */
record Quantile(double value, double least, double most) {
  /** Each end is off by chance so often. */
  private static final double CHANCE = 0.025;

  private static final double NANOS = 1e6;

  /**
   * Of calls.
   *
   * @param nanos what each took
   * @param percent above 0, below 100
   */
  static Quantile of(AbstractHistogram nanos, double percent) {
    int count = Math.toIntExact(nanos.getTotalCount());
    if (count == 0) {
      return new Quantile(Double.NaN, Double.NaN, Double.NaN);
    }
    BinomialDistribution beyond = BinomialDistribution.of(count, 1 - percent / 100);
    int most = beyond.inverseSurvivalProbability(CHANCE);
    int fewest = beyond.inverseCumulativeProbability(CHANCE);
    return new Quantile(
        nanos.getValueAtPercentile(percent) / NANOS,
        most == count ? 0 : millisOf(nanos, count - most),
        fewest == 0 ? Double.POSITIVE_INFINITY : millisOf(nanos, count - fewest + 1));
  }

  /** Of the call of this rank, 1 for the shortest. */
  private static double millisOf(AbstractHistogram nanos, int rank) {
    return nanos.getValueAtPercentile(100 * (rank - 0.5) / nanos.getTotalCount()) / NANOS;
  }

  /** As tables have it: {@code 20.1 (18.2 to 24.0)}. */
  @Override
  public String toString() {
    String upper = Double.isInfinite(most) ? "∞" : String.format(Locale.ROOT, "%.1f", most);
    return String.format(Locale.ROOT, "%.1f (%.1f to %s)", value, least, upper);
  }
}
