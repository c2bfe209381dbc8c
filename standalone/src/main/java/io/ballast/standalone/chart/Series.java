package io.ballast.standalone.chart;

import java.util.List;

/**
 * A named line or set of points.
 *
 * @param colour a CSS colour
 */
public record Series(String name, String colour, List<Point> points) {
  /** Copies the points. */
  public Series {
    points = List.copyOf(points);
  }

  /** A point; both numbers finite. */
  public record Point(double x, double y) {}
}
