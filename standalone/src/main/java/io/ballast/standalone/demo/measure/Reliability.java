package io.ballast.standalone.demo.measure;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * Whether probabilities come true: what a gate predicted, in bins, against what happened.
 *
 * @param bins in ascending order of the prediction; empty if there were no predictions
 * @param calibrationError the mean gap, weighted by the bins' sizes
 */
public record Reliability(List<Bin> bins, double calibrationError) {
  public Reliability {
    bins = List.copyOf(bins);
  }

  /**
   * Predictions of about the same height.
   *
   * @param predicted their mean
   * @param observed how often it came true, with a Wilson interval; draws taken as independent
   */
  public record Bin(double predicted, Interval observed, int count) {}

  /** One prediction and whether it came true. */
  public record Prediction(double probability, boolean cameTrue) {}

  /**
   * Sorts {@code predictions} into at most {@code most} bins of equal size.
   *
   * @param most ≥ 1
   */
  public static Reliability of(List<Prediction> predictions, int most) {
    List<Prediction> sorted =
        predictions.stream().sorted(Comparator.comparingDouble(Prediction::probability)).toList();
    int count = Math.min(most, sorted.size());
    List<Bin> bins = new ArrayList<>();
    double gap = 0;
    for (int b = 0; b < count; b++) {
      List<Prediction> bin =
          sorted.subList(
              (int) ((long) sorted.size() * b / count),
              (int) ((long) sorted.size() * (b + 1) / count));
      double predicted = bin.stream().mapToDouble(Prediction::probability).average().orElseThrow();
      long hits = bin.stream().filter(Prediction::cameTrue).count();
      bins.add(new Bin(predicted, wilson(hits, bin.size()), bin.size()));
      gap += Math.abs(predicted * bin.size() - hits);
    }
    return new Reliability(bins, sorted.isEmpty() ? 0 : gap / sorted.size());
  }

  /** Wilson's score interval of a proportion at 95 %. */
  static Interval wilson(long hits, long n) {
    double z = 1.959963984540054;
    double p = (double) hits / n;
    double centre = (p + z * z / (2 * n)) / (1 + z * z / n);
    double half = z / (1 + z * z / n) * Math.sqrt(p * (1 - p) / n + z * z / (4.0 * n * n));
    return new Interval(p, Math.min(p, centre - half), Math.max(p, centre + half));
  }
}
