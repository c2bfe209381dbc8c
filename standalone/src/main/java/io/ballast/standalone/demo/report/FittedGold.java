package io.ballast.standalone.demo.report;

import io.ballast.loadtest.chart.Series;
import io.ballast.rl.selection.GoldForm;
import java.util.ArrayList;
import java.util.List;

/**
 * Gao's curve through gold, to be drawn: start + R(d), d = √KL.
 *
 * @param form of R
 * @param farthest the greatest d that was fitted; nothing is drawn beyond
 */
public record FittedGold(GoldForm form, double alpha, double beta, double farthest) {
  private static final String COLOUR = "#b3261e";
  private static final int POINTS = 60;

  /**
   * Returns its line.
   *
   * @param start gold at d = 0
   */
  Series line(double start) {
    List<Series.Point> points = new ArrayList<>();
    for (int i = 0; i <= POINTS; i++) {
      double d = farthest * i / POINTS;
      points.add(new Series.Point(d, start + form.gold(alpha, beta, d)));
    }
    return new Series("fit", COLOUR, points);
  }
}
