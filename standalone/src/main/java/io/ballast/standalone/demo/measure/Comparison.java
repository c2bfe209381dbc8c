package io.ballast.standalone.demo.measure;

import java.util.Arrays;
import java.util.List;

/**
 * Two versions on the same positions, judged by the true files.
 *
 * <p>The draws of one position are averaged first; then each position is one number for each
 * version, and {@link ClusteredRatio} does the rest, with files as clusters.
 *
 * @param rows one for each metric, in the order of {@link Metric}
 */
public record Comparison(View view, List<Row> rows) {
  public Comparison {
    rows = List.copyOf(rows);
  }

  /** One metric: before, after, and the paired difference. */
  public record Row(Metric metric, Interval before, Interval after, Interval difference) {}

  /**
   * Compares.
   *
   * @param before shape [positions][draws ≥ 1]
   * @param after of the same positions in the same order
   * @param files of the positions: equal keys, one file
   */
  public static Comparison of(
      List<List<Judged>> before, List<List<Judged>> after, List<?> files, View view) {
    List<Row> rows =
        Arrays.stream(Metric.values())
            .map(
                metric -> {
                  double[] old = perPosition(before, metric, view);
                  double[] young = perPosition(after, metric, view);
                  return new Row(
                      metric,
                      ClusteredRatio.mean(old, files).within(0, metric.most()),
                      ClusteredRatio.mean(young, files).within(0, metric.most()),
                      ClusteredRatio.pairedDifference(old, young, files));
                })
            .toList();
    return new Comparison(view, rows);
  }

  /** Returns the row of {@code metric}. */
  public Row row(Metric metric) {
    return rows.get(metric.ordinal());
  }

  /** Returns {@code metric} averaged over the draws of each position. */
  static double[] perPosition(List<List<Judged>> suggestions, Metric metric, View view) {
    return suggestions.stream()
        .mapToDouble(
            draws ->
                draws.stream().mapToDouble(draw -> metric.of(draw, view)).average().orElseThrow())
        .toArray();
  }
}
