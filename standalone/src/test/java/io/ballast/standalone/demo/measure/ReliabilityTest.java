package io.ballast.standalone.demo.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.standalone.demo.measure.Reliability.Prediction;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Probabilities are held against what happened. */
class ReliabilityTest {
  @Test
  void aHandComputedTable() {
    // sorted: .1 no, .3 yes | .5 no, .9 yes → means .2 and .7, observed .5 and .5
    // gaps: |.4 − 1| + |1.4 − 1| = 1.0 over 4 predictions
    Reliability table =
        Reliability.of(
            List.of(
                new Prediction(0.9, true),
                new Prediction(0.1, false),
                new Prediction(0.5, false),
                new Prediction(0.3, true)),
            2);
    assertThat(table.bins()).hasSize(2);
    assertThat(table.bins().getFirst().predicted()).isCloseTo(0.2, within(1e-12));
    assertThat(table.bins().getLast().predicted()).isCloseTo(0.7, within(1e-12));
    assertThat(table.bins().getLast().observed().value()).isEqualTo(0.5);
    assertThat(table.calibrationError()).isCloseTo(0.25, within(1e-12));
  }

  @Test
  void everyPredictionIsInOneBin() {
    List<Prediction> predictions = new ArrayList<>();
    for (int i = 0; i < 103; i++) {
      predictions.add(new Prediction(i / 103.0, i % 3 == 0));
    }
    Reliability table = Reliability.of(predictions, 8);
    assertThat(table.bins().stream().mapToInt(Reliability.Bin::count).sum()).isEqualTo(103);
    assertThat(Reliability.of(List.of(), 8).bins()).isEmpty();
  }

  @Test
  void wilsonsIntervalOfOneInTen() {
    // Wilson 1927: 1 of 10 at 95 % is 0.0179 to 0.4042
    Interval interval = Reliability.wilson(1, 10);
    assertThat(interval.low()).isCloseTo(0.0179, within(1e-4));
    assertThat(interval.high()).isCloseTo(0.4042, within(1e-4));
  }
}
