package io.ballast.rl.preference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.ProportionBounds;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What was predicted stands beside what happened. */
class ReliabilityBinsTest {
  @Test
  void twoBinsByHand() {
    // .1 and .3 against 1 of 2, .6 and .8 against 1 of 2: gaps .3 and .2
    ReliabilityBins bins =
        ReliabilityBins.of(
            new double[] {.8, .1, .6, .3}, new boolean[] {true, false, false, true}, 2, .9);
    assertThat(bins.bins()).hasSize(2);
    assertThat(bins.bins().getFirst().predicted()).isCloseTo(.2, within(1e-12));
    assertThat(bins.bins().getFirst().observed().estimate()).isEqualTo(.5);
    assertThat(bins.bins().getFirst().observed().low())
        .isCloseTo(ProportionBounds.wilsonLower(1, 2, .05), within(1e-12));
    assertThat(bins.bins().getLast().predicted()).isCloseTo(.7, within(1e-12));
    assertThat(bins.calibrationError()).isCloseTo(.25, within(1e-12));
  }

  @Test
  void binsAreAsEqualAsTheyCanBeAndNoMoreThanPredictions() {
    double[] probabilities = new double[23];
    boolean[] happened = new boolean[23];
    for (int i = 0; i < 23; i++) {
      probabilities[i] = i / 23.0;
    }
    ReliabilityBins bins = ReliabilityBins.of(probabilities, happened, 5, .95);
    assertThat(bins.bins()).extracting(ReliabilityBins.Bin::count).containsExactly(4, 5, 4, 5, 5);
    assertThat(ReliabilityBins.of(new double[] {.5}, new boolean[] {true}, 10, .95).bins())
        .hasSize(1);
  }

  @Test
  void equalPredictionsLieInOneBinWhateverTheirOrder() {
    double[] probabilities = {.2, .2, .2, .2, .2, .7, .9, .9};
    boolean[] happened = {true, false, false, false, false, true, true, true};
    ReliabilityBins bins = ReliabilityBins.of(probabilities, happened, 4, .95);
    assertThat(bins.bins()).extracting(ReliabilityBins.Bin::count).containsExactly(5, 1, 2);
    assertThat(bins.bins().getFirst().observed().estimate()).isEqualTo(.2);
    assertThat(bins.bins().getLast().predicted()).isCloseTo(.9, within(1e-12));
  }

  @Test
  void calibratedPredictionsLieInTheirIntervals() {
    SplittableRandom random = new SplittableRandom(3);
    int inside = 0;
    for (int trial = 0; trial < 100; trial++) {
      double[] probabilities = new double[500];
      boolean[] happened = new boolean[500];
      for (int i = 0; i < 500; i++) {
        probabilities[i] = random.nextDouble();
        happened[i] = random.nextDouble() < probabilities[i];
      }
      for (ReliabilityBins.Bin bin : ReliabilityBins.of(probabilities, happened, 5, .95).bins()) {
        inside += bin.observed().contains(bin.predicted()) ? 1 : 0;
      }
    }
    // 500 intervals at .95: 99 % of samples have 462 to 487
    assertThat(inside).isBetween(460, 495);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReliabilityBins.of(new double[] {1.2}, new boolean[] {true}, 1, .95))
        .withMessage("probabilities[0]: 1.2 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ReliabilityBins.of(new double[] {.2}, new boolean[] {true}, 0, .95))
        .withMessage("most: 0 (expected: >= 1)");
  }
}
