package io.ballast.standalone.experiment.algorithms;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.bound.MeanIntervals;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Gold over tokens: mean over seeds with Student's interval, at the weights that all seeds have.
 *
 * @param points from the start, whose interval is over draws alone
 */
record MeanCurve(List<Point> points) {
  /**
   * A mean over seeds.
   *
   * @param tokens mean of what was sampled until then
   */
  record Point(double tokens, Interval gold) {}

  /** Copies the list. */
  MeanCurve {
    points = List.copyOf(points);
  }

  /**
   * The mean of complete curves.
   *
   * @param curves at least two, of one algorithm
   */
  static MeanCurve of(Interval start, List<LearningCurve> curves) {
    List<Point> points = new ArrayList<>();
    points.add(new Point(0, start));
    for (LearningCurve.Point first : curves.getFirst().points()) {
      List<LearningCurve.Point> same =
          curves.stream()
              .map(curve -> at(curve, first.iteration()))
              .flatMap(Optional::stream)
              .toList();
      if (same.size() == curves.size()) {
        points.add(
            new Point(
                same.stream().mapToLong(LearningCurve.Point::tokens).average().orElseThrow(),
                MeanIntervals.mean(
                    same.stream().mapToDouble(LearningCurve.Point::gold).toArray(),
                    Standing.CONFIDENCE)));
      }
    }
    return new MeanCurve(points);
  }

  private static Optional<LearningCurve.Point> at(LearningCurve curve, int iteration) {
    return curve.points().stream().filter(point -> point.iteration() == iteration).findFirst();
  }
}
