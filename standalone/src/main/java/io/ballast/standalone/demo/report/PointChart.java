package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.Axis;
import io.ballast.loadtest.chart.Frame;
import io.ballast.loadtest.chart.Markup;
import io.ballast.standalone.demo.measure.Interval;
import java.util.ArrayList;
import java.util.List;

/** Points with intervals in both directions, as SVG: what was estimated against what is true. */
final class PointChart {
  private static final double WIDTH = 340;
  private static final double HEIGHT = 256;
  private static final double LEFT = 48;
  private static final double TOP = 46;
  private static final double BOTTOM = 34;

  private PointChart() {}

  /** One point; an interval without width has no whisker, a name that is empty no key. */
  record Point(String name, String colour, Interval x, Interval y) {}

  /**
   * Returns the chart.
   *
   * @param diagonal whether the line x = y is drawn: where estimates are right
   */
  static Markup of(String title, String xTitle, List<Point> points, boolean diagonal) {
    List<Double> xs = new ArrayList<>();
    List<Double> ys = new ArrayList<>();
    for (Point point : points) {
      xs.addAll(List.of(point.x().low(), point.x().high()));
      ys.addAll(List.of(point.y().low(), point.y().high()));
    }
    if (diagonal) {
      xs.add(0.0);
      ys.add(0.0);
    }
    Axis x = Axis.of(xs, LEFT, WIDTH - 14);
    Axis y = Axis.of(ys, HEIGHT - BOTTOM, TOP);
    Markup svg = Frame.open(WIDTH, HEIGHT, title);
    Frame.legend(
        svg,
        points.stream()
            .filter(point -> !point.name().isEmpty())
            .map(point -> new Frame.Key(point.name(), point.colour()))
            .toList());
    Frame.grid(svg, x, y);
    Frame.below(svg, x, y, xTitle);
    if (diagonal) {
      double from = Math.max(x.least(), y.least());
      double to = Math.min(x.most(), y.most());
      svg.leaf(
          "line",
          "x1",
          Markup.at(x.at(from)),
          "y1",
          Markup.at(y.at(from)),
          "x2",
          Markup.at(x.at(to)),
          "y2",
          Markup.at(y.at(to)),
          "class",
          "level");
    }
    for (Point point : points) {
      double cx = x.at(point.x().value());
      double cy = y.at(point.y().value());
      Frame.whisker(svg, x.at(point.x().low()), cy, x.at(point.x().high()), cy);
      Frame.whisker(svg, cx, y.at(point.y().low()), cx, y.at(point.y().high()));
      svg.leaf(
          "circle", "cx", Markup.at(cx), "cy", Markup.at(cy), "r", "4", "fill", point.colour());
    }
    return svg.close("svg");
  }
}
