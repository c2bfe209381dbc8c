package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Two-sided confidence intervals of means and of differences of means, also where observations come
 * in clusters: positions of one file are alike, and a narrow interval would be false.
 */
public final class MeanIntervals {
  private MeanIntervals() {}

  /**
   * Returns Student's interval of the mean of independent values.
   *
   * @param values shape [n], n ≥ 2, finite
   * @param confidence above 0, below 1
   */
  public static Interval mean(double[] values, double confidence) {
    Require.openProbability(confidence, "confidence");
    double mean = Moments.mean(values);
    double width =
        MeanBounds.studentTWidth(values.length, (1 - confidence) / 2) * Moments.sampleStd(values);
    return new Interval(mean, mean - width, mean + width, confidence);
  }

  /**
   * Returns the interval of mean(after − before) over pairs: Student's paired t.
   *
   * @param before shape [n], n ≥ 2, finite
   * @param after shape [n], finite; {@code after[i]} belongs to {@code before[i]}
   */
  public static Interval pairedDifference(double[] before, double[] after, double confidence) {
    return mean(differences(before, after), confidence);
  }

  /**
   * Returns the interval of the mean of values that are dependent within clusters.
   *
   * <pre>
   * V = G/(G − 1)·Σ_g (Σ_{i∈g} (xᵢ − x̄))² / n²,  x̄ ± t(G − 1)·√V
   * </pre>
   *
   * <p>Source: Liang and Zeger 1986 (the cluster-robust variance of a mean), with G − 1 degrees of
   * freedom. With every value a cluster of its own it is {@link #mean}.
   *
   * @param values shape [n], finite
   * @param clusters shape [n]: equal keys, one cluster; at least two different ones
   */
  public static Interval clusteredMean(double[] values, List<?> clusters, double confidence) {
    Require.finite(values, "values");
    Require.sameLength(clusters.size(), values.length, "clusters");
    Require.openProbability(confidence, "confidence");
    double mean = Moments.mean(values);
    Map<Object, Double> sums = new LinkedHashMap<>();
    for (int i = 0; i < values.length; i++) {
      sums.merge(clusters.get(i), values[i] - mean, Double::sum);
    }
    int count = Require.atLeast(sums.size(), 2, "distinct clusters");
    double squares = sums.values().stream().mapToDouble(sum -> sum * sum).sum();
    double n = values.length;
    double standardError = Math.sqrt((double) count / (count - 1) * squares) / n;
    double width = MeanBounds.studentTQuantile((1 - confidence) / 2, count - 1) * standardError;
    return new Interval(mean, mean - width, mean + width, confidence);
  }

  /**
   * Returns the interval of mean(after − before) over pairs that are dependent within clusters.
   *
   * @param before shape [n], finite
   * @param after shape [n], finite
   * @param clusters shape [n]: the cluster of each pair, such as its file
   */
  public static Interval clusteredPairedDifference(
      double[] before, double[] after, List<?> clusters, double confidence) {
    return clusteredMean(differences(before, after), clusters, confidence);
  }

  private static double[] differences(double[] before, double[] after) {
    Require.finite(before, "before");
    Require.sameLength(after.length, before.length, "after");
    Require.finite(after, "after");
    double[] differences = new double[before.length];
    for (int i = 0; i < before.length; i++) {
      differences[i] = after[i] - before[i];
    }
    return differences;
  }
}
