package io.ballast.standalone.experiment.algorithms;

import io.ballast.loadtest.chart.Axis;
import io.ballast.loadtest.chart.Frame;
import io.ballast.loadtest.chart.Markup;
import io.ballast.rl.algorithm.Algorithm;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * A panel for each algorithm in the order of the ranking, all on the same axes: the mean curve, its
 * interval, and the start as a dashed line. Intervals are cut where they leave the axes, which hold
 * all means.
 */
final class CurvePanels {
  private static final int COLUMNS = 4;
  private static final double WIDTH = 220;
  private static final double HEIGHT = 150;
  private static final double LEFT = 44;
  private static final double TOP = 52;
  private static final double BELOW = 40;
  private static final double GAP = 26;

  /** How far above and below the means the axis goes, as a share of their range. */
  private static final double ROOM = 0.5;

  private CurvePanels() {}

  /** Returns the figure; {@code means} has the curve of each standing. */
  static Markup of(double start, List<Standing> standings, Map<Algorithm, MeanCurve> means) {
    List<Double> golds = new ArrayList<>(List.of(start));
    double tokens = 1;
    for (MeanCurve curve : means.values()) {
      for (MeanCurve.Point point : curve.points()) {
        golds.add(point.gold().estimate());
        tokens = Math.max(tokens, point.tokens() / 1e3);
      }
    }
    double least = golds.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
    double most = golds.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
    List<Double> ends = List.of(least - ROOM * (most - least), most + ROOM * (most - least));
    int rows = Math.max(1, (standings.size() + COLUMNS - 1) / COLUMNS);
    Markup svg =
        Frame.open(
            COLUMNS * WIDTH + 12,
            TOP + rows * (HEIGHT + GAP) + BELOW,
            "Gold on held-out prompts, characters kept a suggestion");
    for (int i = 0; i < standings.size(); i++) {
      double left = (i % COLUMNS) * WIDTH;
      double top = TOP + (double) (i / COLUMNS) * (HEIGHT + GAP);
      Axis x = new Axis(0, tokens, left + LEFT, left + WIDTH - 6);
      Axis y = Axis.of(ends, top + HEIGHT, top);
      boolean lowest = i + COLUMNS >= standings.size();
      panel(svg, x, y, start, standings.get(i), means, lowest);
    }
    return svg.close("svg");
  }

  private static void panel(
      Markup svg,
      Axis x,
      Axis y,
      double start,
      Standing standing,
      Map<Algorithm, MeanCurve> means,
      boolean lowest) {
    Frame.grid(svg, x, y);
    if (lowest) {
      Frame.below(svg, x, y, "completion tokens, thousands");
    }
    svg.element(
        "text",
        "%s: %s".formatted(standing.places(), standing.algorithm()),
        "x",
        Markup.at(x.from()),
        "y",
        Markup.at(y.to() - 6),
        "class",
        "value");
    Frame.level(svg, x, y, start);
    List<MeanCurve.Point> points = Objects.requireNonNull(means.get(standing.algorithm())).points();
    List<String> band = new ArrayList<>();
    points.forEach(point -> band.add(at(x, y, point, point.gold().high())));
    points.reversed().forEach(point -> band.add(at(x, y, point, point.gold().low())));
    svg.leaf(
        "polygon", "points", String.join(" ", band), "fill", "#1d5fa8", "fill-opacity", "0.15");
    svg.leaf(
        "polyline",
        "points",
        points.stream()
            .map(point -> at(x, y, point, point.gold().estimate()))
            .collect(Collectors.joining(" ")),
        "class",
        "line",
        "stroke",
        "#1d5fa8");
  }

  private static String at(Axis x, Axis y, MeanCurve.Point point, double gold) {
    double shown = Math.clamp(gold, y.least(), y.most());
    return Markup.at(x.at(point.tokens() / 1e3)) + "," + Markup.at(y.at(shown));
  }
}
