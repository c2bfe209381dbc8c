package io.ballast.loadtest.chart;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** What all plots have in common: the sheet, its title, axes and grid. */
public final class Frame {
  /** Of the font of labels, on the generous side. */
  private static final double LETTER_WIDTH = 6.6;

  /** How long the sample of a line in a legend is. */
  private static final double SAMPLE = 22;

  private Frame() {}

  /** Opens a sheet with its title. */
  public static Markup open(double width, double height, String title) {
    return new Markup()
        .open(
            "svg",
            "viewBox",
            "0 0 " + Markup.at(width) + " " + Markup.at(height),
            "width",
            Markup.at(width),
            "role",
            "img",
            "aria-label",
            title)
        .element("text", title, "x", "8", "y", "18", "class", "title");
  }

  /**
   * What a colour stands for.
   *
   * @param dash of the line that stands for it, too; null: a dot stands for it
   */
  public record Key(String name, String colour, @Nullable String dash) {
    /** What a colour alone stands for. */
    public Key(String name, String colour) {
      this(name, colour, null);
    }

    /** Draws what is to be recognised, from {@code x} on, and returns how wide it is. */
    public double draw(Markup svg, double x, double y) {
      if (dash == null) {
        svg.leaf("circle", "cx", Markup.at(x), "cy", Markup.at(y), "r", "4", "fill", colour);
        return 4;
      }
      svg.leaf(
          "line",
          "x1",
          Markup.at(x - 4),
          "x2",
          Markup.at(x + SAMPLE),
          "y1",
          Markup.at(y),
          "y2",
          Markup.at(y),
          "class",
          "line",
          "stroke",
          colour,
          "stroke-dasharray",
          dash);
      return SAMPLE;
    }
  }

  /** Says below the title what the colours stand for; names beside points would overlap. */
  public static void legend(Markup svg, List<Key> keys) {
    double x = 12;
    for (Key key : keys) {
      double drawn = key.draw(svg, x, 31);
      svg.element("text", key.name(), "x", Markup.at(x + drawn + 4), "y", "35", "class", "tick");
      x += drawn + 20 + width(key.name());
    }
  }

  /** How much room a label needs. */
  public static double width(String label) {
    return LETTER_WIDTH * label.length();
  }

  /** Draws the horizontal grid with its labels. */
  public static void grid(Markup svg, Axis x, Axis y) {
    for (double tick : y.ticks()) {
      String at = Markup.at(y.at(tick));
      svg.leaf(
          "line",
          "x1",
          Markup.at(x.from()),
          "x2",
          Markup.at(x.to()),
          "y1",
          at,
          "y2",
          at,
          "class",
          "grid");
      svg.element(
          "text",
          y.label(tick),
          "x",
          Markup.at(x.from() - 5),
          "y",
          Markup.at(y.at(tick) + 3.5),
          "class",
          "tick end");
    }
  }

  /** Writes the labels of the horizontal axis, below {@code y}, and its title. */
  public static void below(Markup svg, Axis x, Axis y, String title) {
    for (double tick : x.ticks()) {
      svg.element(
          "text",
          x.label(tick),
          "x",
          Markup.at(x.at(tick)),
          "y",
          Markup.at(y.from() + 14),
          "class",
          "tick middle");
    }
    svg.element(
        "text",
        title,
        "x",
        Markup.at((x.from() + x.to()) / 2),
        "y",
        Markup.at(y.from() + 28),
        "class",
        "tick middle");
  }

  /** Draws a dashed horizontal line at {@code level}. */
  public static void level(Markup svg, Axis x, Axis y, double level) {
    String at = Markup.at(y.at(level));
    svg.leaf(
        "line",
        "x1",
        Markup.at(x.from()),
        "x2",
        Markup.at(x.to()),
        "y1",
        at,
        "y2",
        at,
        "class",
        "level");
  }

  /** Draws a line from one end of an interval to the other. */
  public static void whisker(Markup svg, double x1, double y1, double x2, double y2) {
    svg.leaf(
        "line",
        "x1",
        Markup.at(x1),
        "y1",
        Markup.at(y1),
        "x2",
        Markup.at(x2),
        "y2",
        Markup.at(y2),
        "class",
        "whisker");
  }
}
