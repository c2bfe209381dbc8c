package io.ballast.rl.preference;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/** How well scores order things. Ties count ½ everywhere. */
public final class RankingMetrics {
  private RankingMetrics() {}

  /**
   * Returns the area under the ROC curve: P(score of a positive &gt; score of a negative) + ½·P(=).
   *
   * <p>Source: Hanley and McNeil 1982; computed from mid-ranks (Mann and Whitney 1947).
   *
   * @param scores shape [n], finite
   * @param positive shape [n]
   * @return 0 to 1; empty if all labels are the same: there is no area then
   */
  public static OptionalDouble auc(double[] scores, boolean[] positive) {
    Require.finite(scores, "scores");
    Require.sameLength(positive.length, scores.length, "positive");
    double[] ranks = midRanks(scores);
    double positives = 0;
    double rankSum = 0;
    for (int i = 0; i < scores.length; i++) {
      if (positive[i]) {
        positives++;
        rankSum += ranks[i];
      }
    }
    double negatives = scores.length - positives;
    return positives == 0 || negatives == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of((rankSum - positives * (positives + 1) / 2) / (positives * negatives));
  }

  /**
   * Returns the share of pairs within one group that {@code scores} order as {@code truth} does.
   *
   * <p>All that a group-relative advantage sees of a reward model is its order within a prompt.
   * Pairs whose truths are equal do not count; pairs whose scores are equal count ½.
   *
   * @param scores shape [n], finite
   * @param truth shape [n], finite, higher is better
   * @param groups shape [n]: equal keys, one group
   * @return 0 to 1; empty if no group holds two different truths
   */
  public static OptionalDouble withinGroupAccuracy(
      double[] scores, double[] truth, List<?> groups) {
    Require.finite(scores, "scores");
    Require.sameLength(truth.length, scores.length, "truth");
    Require.finite(truth, "truth");
    Require.sameLength(groups.size(), scores.length, "groups");
    var members = new LinkedHashMap<Object, List<Integer>>();
    for (int i = 0; i < scores.length; i++) {
      members.computeIfAbsent(groups.get(i), _ -> new ArrayList<>()).add(i);
    }
    double pairs = 0;
    double right = 0;
    for (List<Integer> group : members.values()) {
      for (int better : group) {
        for (int worse : group) {
          if (truth[better] > truth[worse]) {
            pairs++;
            right += (1 + Math.signum(scores[better] - scores[worse])) / 2;
          }
        }
      }
    }
    return pairs == 0 ? OptionalDouble.empty() : OptionalDouble.of(right / pairs);
  }

  /**
   * Returns Pearson's correlation.
   *
   * @param x shape [n], n ≥ 2, finite
   * @param y shape [n], finite
   * @return −1 to 1; empty if either is constant
   */
  public static OptionalDouble pearson(double[] x, double[] y) {
    Require.finite(x, "x");
    Require.atLeast(x.length, 2, "x.length");
    Require.sameLength(y.length, x.length, "y");
    Require.finite(y, "y");
    double meanX = Moments.mean(x);
    double meanY = Moments.mean(y);
    double xx = Moments.populationVariance(x);
    double yy = Moments.populationVariance(y);
    if (xx == 0 || yy == 0) {
      return OptionalDouble.empty();
    }
    double xy = 0;
    for (int i = 0; i < x.length; i++) {
      xy += (x[i] - meanX) * (y[i] - meanY) / x.length;
    }
    return OptionalDouble.of(Math.clamp(xy / (Math.sqrt(xx) * Math.sqrt(yy)), -1, 1));
  }

  /** Returns Spearman's correlation: {@link #pearson} of the mid-ranks. */
  public static OptionalDouble spearman(double[] x, double[] y) {
    Require.finite(x, "x");
    Require.finite(y, "y");
    return pearson(midRanks(x), midRanks(y));
  }

  /** Ranks from 1; tied values share the mean of their ranks. */
  private static double[] midRanks(double[] values) {
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted((a, b) -> Double.compare(values[a], values[b]))
            .mapToInt(Integer::intValue)
            .toArray();
    double[] ranks = new double[values.length];
    int from = 0;
    while (from < order.length) {
      int to = from;
      while (to + 1 < order.length && values[order[to + 1]] == values[order[from]]) {
        to++;
      }
      for (int i = from; i <= to; i++) {
        ranks[order[i]] = (from + to) / 2.0 + 1;
      }
      from = to + 1;
    }
    return ranks;
  }
}
