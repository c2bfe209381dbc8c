package io.ballast.standalone.chart;

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
        ys.add(point.y());
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
            .filter(line -> !line.points().isEmpty())
            .map(line -> new Frame.Key(line.name(), line.colour()))
            .toList());
    Frame.grid(svg, x, y);
    Frame.below(svg, x, y, xTitle);
    if (level != null) {
      Frame.level(svg, x, y, level);
    }
    for (Series line : series) {
      String points =
          line.points().stream()
              .map(p -> Markup.at(x.at(p.x())) + "," + Markup.at(y.at(p.y())))
              .collect(Collectors.joining(" "));
      svg.leaf("polyline", "points", points, "class", "line", "stroke", line.colour());
      if (!line.points().isEmpty()) {
        Series.Point last = line.points().getLast();
        svg.open(
                "circle",
                "cx",
                Markup.at(x.at(last.x())),
                "cy",
                Markup.at(y.at(last.y())),
                "r",
                "3",
                "fill",
                line.colour())
            .element("title", String.format(Locale.ROOT, "%s: %.4g", line.name(), last.y()))
            .close("circle");
      }
    }
    return svg.close("svg");
  }
}
