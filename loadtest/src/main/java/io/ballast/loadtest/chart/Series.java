package io.ballast.loadtest.chart;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A named line or set of points.
 *
 * @param name in the legend; of an empty one nothing is said there
 * @param colour a CSS colour
 * @param dash of the line, as CSS has it in {@code stroke-dasharray}, told in the legend; null:
 *     none
 */
public record Series(String name, String colour, @Nullable String dash, List<Point> points) {
  /** Copies the points. */
  public Series {
    points = List.copyOf(points);
  }

  /** A series that its colour alone tells from others. */
  public Series(String name, String colour, List<Point> points) {
    this(name, colour, null, points);
  }

  /**
   * A point.
   *
   * @param x finite
   * @param y finite, or NaN: a gap, over which no line is drawn
   */
  public record Point(double x, double y) {
    /** Whether there is nothing to draw. */
    boolean gap() {
      return Double.isNaN(y);
    }
  }
}
