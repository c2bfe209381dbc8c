package io.ballast.workshop.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

/** Figures of a gate model, by hand. */
class GateMetricsTest {
  @Test
  void theAreaIsTheShareOfPairsInOrderTiesHalf() {
    // events 3, 2; others 2, 1: pairs (3,2) (3,1) (2,1) in order, (2,2) a tie: 3.5 of 4
    assertThat(
            GateMetrics.areaUnderCurve(
                new double[] {3, 2, 2, 1}, new boolean[] {true, true, false, false}))
        .isEqualTo(3.5 / 4);
    assertThatThrownBy(() -> GateMetrics.areaUnderCurve(new double[] {1}, new boolean[] {true}))
        .hasMessage("events: 1 of 1 (expected: some, not all)");
  }

  @Test
  void calibrationErrorWeighsTheGapsOfBins() {
    // bin .2: predicted .2 + .25, one came true, gap −.55; bin .9: .9, came true, gap −.1
    assertThat(
            GateMetrics.calibrationError(
                new double[] {0.2, 0.25, 0.9}, new boolean[] {false, true, true}))
        .isCloseTo(0.65 / 3, within(1e-12));
    assertThat(GateMetrics.calibrationError(new double[] {1}, new boolean[] {true})).isZero();
  }

  @Test
  void brierScoreIsTheMeanSquaredGap() {
    assertThat(GateMetrics.brierScore(new double[] {0.5, 1}, new boolean[] {true, false}))
        .isEqualTo((0.25 + 1) / 2);
  }
}
