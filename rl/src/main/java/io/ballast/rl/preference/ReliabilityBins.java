package io.ballast.rl.preference;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.ProportionBounds;
import io.ballast.rl.check.Require;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * What was predicted beside what happened, for predictions of about the same height: the points of
 * a reliability diagram.
 *
 * <p>Source: Murphy and Winkler 1977; bins of about equal size, so that each says about as much.
 * Equal predictions lie in one bin.
 *
 * @param bins in ascending order of the prediction, at least one
 */
public record ReliabilityBins(List<Bin> bins) {
  /**
   * Predictions side by side.
   *
   * @param predicted their mean, 0 to 1
   * @param observed the share that came true, with Wilson's interval, outcomes taken as independent
   * @param count how many, ≥ 1
   */
  public record Bin(double predicted, Interval observed, int count) {}

  /** Checks that there is a bin. */
  public ReliabilityBins {
    bins = List.copyOf(bins);
    Require.atLeast(bins.size(), 1, "bins");
  }

  /**
   * Sorts predictions into bins.
   *
   * @param probabilities shape [n], n ≥ 1, each 0 to 1
   * @param happened shape [n]
   * @param most the most bins, ≥ 1
   * @param confidence of the intervals, above 0, below 1
   */
  public static ReliabilityBins of(
      double[] probabilities, boolean[] happened, int most, double confidence) {
    Require.probabilities(probabilities, "probabilities");
    Require.sameLength(happened.length, probabilities.length, "happened");
    Require.atLeast(most, 1, "most");
    Require.openProbability(confidence, "confidence");
    Integer[] order = new Integer[probabilities.length];
    Arrays.setAll(order, i -> i);
    Arrays.sort(order, Comparator.comparingDouble(i -> probabilities[i]));
    int count = Math.min(most, order.length);
    List<Bin> bins = new ArrayList<>();
    int from = 0;
    for (int b = 0; b < count; b++) {
      int to = (int) ((long) order.length * (b + 1) / count);
      while (to < order.length && probabilities[order[to]] == probabilities[order[to - 1]]) {
        to++;
      }
      if (to <= from) {
        continue;
      }
      double predicted = 0;
      int hits = 0;
      for (int i = from; i < to; i++) {
        predicted += probabilities[order[i]] / (to - from);
        hits += happened[order[i]] ? 1 : 0;
      }
      double delta = (1 - confidence) / 2;
      bins.add(
          new Bin(
              Math.min(1, predicted),
              new Interval(
                  (double) hits / (to - from),
                  ProportionBounds.wilsonLower(hits, to - from, delta),
                  ProportionBounds.wilsonUpper(hits, to - from, delta),
                  confidence),
              to - from));
      from = to;
    }
    return new ReliabilityBins(bins);
  }

  /** The mean gap between predicted and observed, weighted by the bins' sizes, 0 to 1. */
  public double calibrationError() {
    double gap = 0;
    double all = 0;
    for (Bin bin : bins) {
      gap += bin.count() * Math.abs(bin.predicted() - bin.observed().estimate());
      all += bin.count();
    }
    return gap / all;
  }
}
