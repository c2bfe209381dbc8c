package io.ballast.standalone.demo.measure;

import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.commons.statistics.distribution.TDistribution;

/**
 * Ratios and means over positions that are not independent: those of one file have much in common.
 *
 * <p>The interval rests on the cluster-robust standard error of a ratio (linearisation), with files
 * as clusters:
 *
 * <pre>r = Σ y / Σ x,  u_g = Σ_{i ∈ g} (y_i − r·x_i),  SE² = G/(G − 1) · Σ_g u_g² / (Σ x)²
 * r ± t(0.975, G − 1) · SE</pre>
 *
 * <p>With x = 1 it is the mean; with y = after − before it is the mean paired difference. Source:
 * Cochran 1977, Sampling Techniques, §6.4 and §9A. Nothing is drawn at random. It is asymptotic in
 * the number of files: below about 30 it is a little narrow, and where every file says the same
 * (all 0, say) it has no width at all.
 */
public final class ClusteredRatio {
  private static final double UPPER_TAIL = 0.975;

  private ClusteredRatio() {}

  /**
   * Returns the mean of {@code values} with its interval.
   *
   * @param values shape [n], n ≥ 1, finite
   * @param clusters shape [n]: equal keys, one cluster; at least two clusters
   */
  public static Interval mean(double[] values, List<?> clusters) {
    double[] ones = new double[values.length];
    Arrays.fill(ones, 1);
    return ratio(values, ones, clusters).orElseThrow();
  }

  /**
   * Returns the mean of {@code after − before} with its interval: each position is its own control.
   *
   * @param before shape [n], finite
   * @param after shape [n], finite, of the same positions in the same order
   * @param clusters shape [n]
   */
  public static Interval pairedDifference(double[] before, double[] after, List<?> clusters) {
    requireSameLength(before.length, after.length, "after");
    double[] differences = new double[before.length];
    for (int i = 0; i < before.length; i++) {
      differences[i] = after[i] - before[i];
    }
    return mean(differences, clusters);
  }

  /**
   * Returns Σ numerators / Σ denominators with its interval; nothing if the denominators sum to 0.
   *
   * @param numerators shape [n], n ≥ 1, finite
   * @param denominators shape [n], finite, none negative
   * @param clusters shape [n]: equal keys, one cluster; at least two clusters
   * @throws IllegalArgumentException if an argument is outside the ranges above
   */
  public static Optional<Interval> ratio(
      double[] numerators, double[] denominators, List<?> clusters) {
    requireSameLength(numerators.length, denominators.length, "denominators");
    requireSameLength(numerators.length, clusters.size(), "clusters");
    Map<Object, double[]> sums = new HashMap<>();
    double numerator = 0;
    double denominator = 0;
    for (int i = 0; i < numerators.length; i++) {
      if (!Double.isFinite(numerators[i]) || !(denominators[i] >= 0)) {
        throw new IllegalArgumentException(
            "[%d]: %s over %s (expected: finite, over ≥ 0)"
                .formatted(i, numerators[i], denominators[i]));
      }
      double[] sum = sums.computeIfAbsent(clusters.get(i), _ -> new double[2]);
      sum[0] += numerators[i];
      sum[1] += denominators[i];
      numerator += numerators[i];
      denominator += denominators[i];
    }
    int count = sums.size();
    if (count < 2) {
      throw new IllegalArgumentException("clusters: " + count + " (expected: ≥ 2)");
    }
    if (denominator == 0) {
      return Optional.empty();
    }
    double ratio = numerator / denominator;
    double squares = 0;
    for (double[] sum : sums.values()) {
      double residual = sum[0] - ratio * sum[1];
      squares += residual * residual;
    }
    double error = Math.sqrt(count / (count - 1.0) * squares) / denominator;
    double half = TDistribution.of(count - 1).inverseCumulativeProbability(UPPER_TAIL) * error;
    return Optional.of(new Interval(ratio, ratio - half, ratio + half));
  }

  private static void requireSameLength(int expected, int actual, String name) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          "%s: length %d (expected: %d)".formatted(name, actual, expected));
    }
  }
}
