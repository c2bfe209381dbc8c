package io.ballast.training.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** The lowest point of a strictly convex function is found from anywhere. */
class ConvexMinimumTest {
  /** (x − 1)² + 100·(y + 2)², flat in one direction and steep in the other. */
  private static double valley(double[] point, double[] gradient) {
    double x = point[0] - 1;
    double y = point[1] + 2;
    gradient[0] = 2 * x;
    gradient[1] = 200 * y;
    return x * x + 100 * y * y;
  }

  @Test
  void aQuadraticsMinimumIsWhereItsGradientIsZero() {
    for (double[] start : new double[][] {{0, 0}, {50, -30}, {1, -2}}) {
      double norm = new ConvexMinimum(ConvexMinimumTest::valley, 1e-9, 100).search(start);
      assertThat(norm).isLessThanOrEqualTo(1e-9);
      assertThat(start).containsExactly(new double[] {1, -2}, within(1e-9));
    }
  }

  @Test
  void aLossOfOneLabelIsFoundToo() {
    // log(1 + e^−x) + x²/2: its derivative x − 1/(1 + eˣ) is 0 at x = 0.40105813754154704
    double[] point = {40};
    double norm =
        new ConvexMinimum(
                (x, gradient) -> {
                  gradient[0] = x[0] - 1 / (1 + Math.exp(x[0]));
                  return Math.log1p(Math.exp(-x[0])) + x[0] * x[0] / 2;
                },
                1e-10,
                100)
            .search(point);
    assertThat(norm).isLessThanOrEqualTo(1e-10);
    assertThat(point[0]).isCloseTo(0.40105813754154704, within(1e-9));
  }

  @Test
  void tooFewStepsAreTold() {
    assertThat(new ConvexMinimum(ConvexMinimumTest::valley, 1e-9, 1).search(new double[] {50, -30}))
        .isGreaterThan(1e-9);
  }
}
