package io.ballast.loadtest.chart;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Lines over iterations, as SVG. */
public final class LineChart {
  private static final double WIDTH = 340;
  private static final double HEIGHT = 226;
  private static final double LEFT = 48;
  private static final double TOP = 46;
  private static final double BOTTOM = 34;

  private LineChart() {}

  /**
   * Returns the chart.
   *
   * @param level a dashed line at this height; null: none
   */
  public static Markup of(
      String title, String xTitle, List<Series> series, @Nullable Double level) {
    List<Double> xs = new ArrayList<>();
    List<Double> ys = new ArrayList<>();
    for (Series line : series) {
      for (Series.Point point : line.points()) {
        xs.add(point.x());
        if (!point.gap()) {
          ys.add(point.y());
        }
      }
    }
    if (level != null) {
      ys.add(level);
    }
    Axis x =
        new Axis(0, Math.max(1, xs.stream().mapToDouble(v -> v).max().orElse(1)), LEFT, WIDTH - 16);
    Axis y = Axis.of(ys, HEIGHT - BOTTOM, TOP);
    Markup svg = Frame.open(WIDTH, HEIGHT, title);
    Frame.legend(
        svg,
        series.stream()
            .filter(line -> !line.name().isEmpty() && !line.points().isEmpty())
            .map(line -> new Frame.Key(line.name(), line.colour(), line.dash()))
            .toList());
    Frame.grid(svg, x, y);
    Frame.below(svg, x, y, xTitle);
    if (level != null) {
      Frame.level(svg, x, y, level);
    }
    series.forEach(line -> draw(svg, x, y, line));
    return svg.close("svg");
  }

  /**
   * Draws a line from gap to gap, a dot where a point stands alone, and a larger one at the end.
   */
  private static void draw(Markup svg, Axis x, Axis y, Series line) {
    List<Series.Point> stretch = new ArrayList<>();
    Series.Point last = null;
    for (Series.Point point : line.points()) {
      if (point.gap()) {
        stretch(svg, x, y, line, stretch);
        stretch.clear();
      } else {
        stretch.add(point);
        last = point;
      }
    }
    stretch(svg, x, y, line, stretch);
    if (last != null) {
      dot(svg, x, y, line, last, "3");
    }
  }

  private static void stretch(Markup svg, Axis x, Axis y, Series line, List<Series.Point> stretch) {
    if (stretch.size() == 1) {
      dot(svg, x, y, line, stretch.getFirst(), "2");
    } else if (!stretch.isEmpty()) {
      String points =
          stretch.stream()
              .map(p -> Markup.at(x.at(p.x())) + "," + Markup.at(y.at(p.y())))
              .collect(Collectors.joining(" "));
      List<String> attributes =
          new ArrayList<>(List.of("points", points, "class", "line", "stroke", line.colour()));
      if (line.dash() != null) {
        attributes.addAll(List.of("stroke-dasharray", line.dash()));
      }
      svg.leaf("polyline", attributes.toArray(String[]::new));
    }
  }

  private static void dot(
      Markup svg, Axis x, Axis y, Series line, Series.Point point, String radius) {
    svg.open(
            "circle",
            "cx",
            Markup.at(x.at(point.x())),
            "cy",
            Markup.at(y.at(point.y())),
            "r",
            radius,
            "fill",
            line.colour())
        .element("title", String.format(Locale.ROOT, "%s: %.4g", line.name(), point.y()))
        .close("circle");
  }
}
