package io.ballast.loadtest.chart;

import java.util.List;
import java.util.Locale;

/** Counts in classes whose bounds grow by a factor, as SVG: a histogram of times. */
public final class BarChart {
  private static final double WIDTH = 340;
  private static final double HEIGHT = 226;
  private static final double LEFT = 48;
  private static final double TOP = 46;
  private static final double BOTTOM = 34;
  private static final String COLOUR = "#1565c0";

  private BarChart() {}

  /**
   * A class.
   *
   * @param from its lower bound, above 0
   * @param to its upper bound, above {@code from}; where the next one begins
   * @param count how many are in it
   */
  public record Bar(double from, double to, long count) {}

  /**
   * Returns the chart, whose horizontal axis is logarithmic.
   *
   * @param bars from the lowest to the highest
   * @param unit of the bounds
   */
  public static Markup of(String title, String unit, List<Bar> bars) {
    Markup svg = Frame.open(WIDTH, HEIGHT, title);
    if (bars.isEmpty()) {
      return svg.close("svg");
    }
    Axis x =
        new Axis(
            Math.log10(bars.getFirst().from()), Math.log10(bars.getLast().to()), LEFT, WIDTH - 16);
    Axis y =
        new Axis(
            0,
            Math.max(1, bars.stream().mapToLong(Bar::count).max().orElse(1)) * 1.06,
            HEIGHT - BOTTOM,
            TOP);
    Frame.grid(svg, x, y);
    for (Bar bar : bars) {
      double left = x.at(Math.log10(bar.from()));
      double right = x.at(Math.log10(bar.to()));
      svg.open(
              "rect",
              "x",
              Markup.at(left),
              "y",
              Markup.at(y.at(bar.count())),
              "width",
              Markup.at(Math.max(0.5, right - left - 0.5)),
              "height",
              Markup.at(y.from() - y.at(bar.count())),
              "fill",
              COLOUR)
          .element(
              "title",
              String.format(
                  Locale.ROOT, "%.3g to %.3g %s: %,d", bar.from(), bar.to(), unit, bar.count()))
          .close("rect");
    }
    for (int power = (int) Math.ceil(x.least()); power <= x.most(); power++) {
      double value = Math.pow(10, power);
      svg.element(
          "text",
          value >= 1 ? String.format(Locale.ROOT, "%,.0f", value) : Double.toString(value),
          "x",
          Markup.at(x.at(power)),
          "y",
          Markup.at(y.from() + 14),
          "class",
          "tick middle");
    }
    svg.element(
        "text",
        unit + ", logarithmic",
        "x",
        Markup.at((x.from() + x.to()) / 2),
        "y",
        Markup.at(y.from() + 28),
        "class",
        "tick middle");
    return svg.close("svg");
  }
}
