package io.ballast.standalone.demo.report;

import java.util.List;

/**
 * A named line or set of points.
 *
 * @param colour a CSS colour
 */
record Series(String name, String colour, List<Point> points) {
  Series {
    points = List.copyOf(points);
  }

  /** A point; both numbers finite. */
  record Point(double x, double y) {}
}
