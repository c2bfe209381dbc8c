package io.ballast.workshop.scoring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.onnx.Calibration;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** The fitted sigmoid says how often it came true. */
class PlattScalingTest {
  @Test
  void itFindsTheSigmoidThatDrewTheLabels() {
    SplittableRandom random = new SplittableRandom(3);
    int count = 20_000;
    double[] scores = new double[count];
    boolean[] events = new boolean[count];
    for (int i = 0; i < count; i++) {
      scores[i] = random.nextGaussian();
      events[i] = random.nextDouble() < 1 / (1 + Math.exp(-(2 * scores[i] - 0.5)));
    }
    Calibration fitted = PlattScaling.fit(scores, events);
    assertThat(fitted.a()).isCloseTo(2, within(0.1));
    assertThat(fitted.b()).isCloseTo(-0.5, within(0.1));
  }

  @Test
  void scoresThatSeparatePerfectlyGiveAFiniteSlope() {
    Calibration fitted =
        PlattScaling.fit(new double[] {-2, -1, 1, 2}, new boolean[] {false, false, true, true});
    assertThat(fitted.probability(2)).isBetween(0.7, 0.999);
    assertThat(fitted.probability(-2)).isBetween(0.001, 0.3);
  }

  @Test
  void scoresThatSayNothingGiveTheSmoothedRate() {
    // three of four: the targets' mean is (3 · 4/5 + 1/3) / 4 = 0.6833
    Calibration fitted =
        PlattScaling.fit(new double[] {1, 1, 1, 1}, new boolean[] {true, true, true, false});
    assertThat(fitted.probability(1)).isCloseTo(0.6833, within(1e-3));
  }
}
