package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.Axis;
import io.ballast.loadtest.chart.Frame;
import io.ballast.loadtest.chart.Markup;
import io.ballast.standalone.demo.measure.Interval;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Bars with their intervals, side by side, as SVG. */
final class IntervalChart {
  private static final double HEIGHT = 210;
  private static final double LEFT = 44;
  private static final double TOP = 30;
  private static final double BOTTOM = 40;
  private static final double LEAST_SLOT = 64;

  private IntervalChart() {}

  /** One bar. */
  record Bar(String name, String colour, Interval interval) {}

  /**
   * Returns the chart.
   *
   * @param level a dashed line at this height; null: none
   * @param levelName what stands beside it
   */
  static Markup of(
      String title, List<Bar> bars, int decimals, @Nullable Double level, String levelName) {
    List<Double> ys = new ArrayList<>(List.of(0.0));
    for (Bar bar : bars) {
      ys.add(bar.interval().low());
      ys.add(bar.interval().high());
    }
    if (level != null) {
      ys.add(level);
    }
    double slot =
        bars.stream().mapToDouble(bar -> Frame.width(bar.name())).max().orElse(LEAST_SLOT);
    double width = LEFT + 12 + Math.max(LEAST_SLOT, slot) * bars.size();
    Axis x = new Axis(0, Math.max(1, bars.size()), LEFT, width - 12);
    Axis y = Axis.of(ys, HEIGHT - BOTTOM, TOP);
    Markup svg = Frame.open(width, HEIGHT, title);
    Frame.grid(svg, x, y);
    for (int i = 0; i < bars.size(); i++) {
      bar(svg, bars.get(i), x.at(i + 0.5), y, decimals);
    }
    if (level != null) {
      Frame.level(svg, x, y, level);
      svg.element(
          "text",
          levelName,
          "x",
          Markup.at(x.to()),
          "y",
          Markup.at(y.at(level) - 4),
          "class",
          "tick end");
    }
    return svg.close("svg");
  }

  private static void bar(Markup svg, Bar bar, double centre, Axis y, int decimals) {
    double zero = y.at(Math.clamp(0, y.least(), y.most()));
    double value = y.at(bar.interval().value());
    svg.leaf(
        "rect",
        "x",
        Markup.at(centre - 20),
        "width",
        "40",
        "y",
        Markup.at(Math.min(zero, value)),
        "height",
        Markup.at(Math.abs(zero - value)),
        "fill",
        bar.colour(),
        "opacity",
        "0.75");
    String middle = Markup.at(centre);
    double low = y.at(bar.interval().low());
    double high = y.at(bar.interval().high());
    Frame.whisker(svg, centre, low, centre, high);
    Frame.whisker(svg, centre - 6, low, centre + 6, low);
    Frame.whisker(svg, centre - 6, high, centre + 6, high);
    String number = String.format(Locale.ROOT, "%." + decimals + "f", bar.interval().value());
    svg.element(
        "text", bar.name(), "x", middle, "y", Markup.at(HEIGHT - 24), "class", "tick middle");
    svg.element("text", number, "x", middle, "y", Markup.at(HEIGHT - 9), "class", "value middle");
  }
}
