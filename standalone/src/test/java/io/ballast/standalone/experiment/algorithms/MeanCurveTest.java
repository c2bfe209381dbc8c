package io.ballast.standalone.experiment.algorithms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.bound.Interval;
import io.ballast.standalone.experiment.algorithms.LearningCurve.Point;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A mean curve has the weights that all seeds have: those that one missed are left out. */
class MeanCurveTest {
  private static LearningCurve curve(int seed, Point... points) {
    return new LearningCurve(
        Algorithm.RLOO,
        seed,
        List.of(points),
        new Gold(List.of(1.0)),
        new LearningCurve.Spent(9, 1_000, "", ""),
        "");
  }

  @Test
  void aHandComputedCurve() {
    MeanCurve mean =
        MeanCurve.of(
            new Interval(2, 1.5, 2.5, 0.95),
            List.of(
                curve(0, new Point(4, 400, 3), new Point(8, 900, 4), new Point(-1, 1_000, 5)),
                curve(1, new Point(4, 600, 5), new Point(-1, 1_200, 7))));

    assertThat(mean.points()).extracting(MeanCurve.Point::tokens).containsExactly(0., 500., 1_100.);
    assertThat(mean.points().getFirst().gold().low()).as("the start's").isEqualTo(1.5);
    // 3 and 5: mean 4, deviation √2; t(1) = 12.7062, so the half width is 12.7062·√2/√2
    assertThat(mean.points().get(1).gold().estimate()).isEqualTo(4);
    assertThat(mean.points().get(1).gold().high()).isCloseTo(4 + 12.7062, within(1e-3));
    assertThat(mean.points().getLast().gold().estimate()).isEqualTo(6);
  }
}
