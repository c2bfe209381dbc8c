package io.ballast.rl.stats;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.within;

import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** Moments of what was seen, and what they warn of. */
class StatsTest {
  @Test
  void batchesMerge() {
    // [1, 2, 3] then [5, 7]: mean 3.6, unbiased std = sqrt(23.2/4) = 2.408319
    RunningMoments seen = RunningMoments.empty().add(1, 2, 3).add(5, 7);
    assertThat(seen.count()).isEqualTo(5);
    assertThat(seen.mean()).isCloseTo(3.6, within(1e-12));
    assertThat(seen.sampleStd()).isCloseTo(2.408319, within(1e-6));
  }

  @Test
  void theOrderOfBatchesDoesNotMatter() {
    RunningMoments a = RunningMoments.empty().add(1, 2, 3).merge(RunningMoments.empty().add(5, 7));
    RunningMoments b = RunningMoments.empty().add(5).add(7, 1).add(2, 3);
    assertThat(a.mean()).isCloseTo(b.mean(), within(1e-12));
    assertThat(a.squaredDeviations()).isCloseTo(b.squaredDeviations(), within(1e-12));
    assertThat(RunningMoments.empty().merge(a)).isEqualTo(a);
    assertThat(a.merge(RunningMoments.empty())).isEqualTo(a);
  }

  @Test
  void aLargeOffsetCostsNoDigits() {
    double[] values = {1e9 + 1, 1e9 + 2, 1e9 + 3};
    assertThat(Moments.sampleVariance(values)).isCloseTo(1, within(1e-9));
    assertThat(RunningMoments.empty().add(1e9 + 1).add(1e9 + 2).add(1e9 + 3).sampleStd())
        .isCloseTo(1, within(1e-6));
  }

  @Test
  void aMeanLiesAmongItsNumbers() {
    double greatest = Double.MAX_VALUE; // a third of it, three times, is over it
    assertThat(Moments.mean(new double[] {greatest, greatest, greatest})).isEqualTo(greatest);
    assertThat(Moments.mean(new double[] {-greatest, greatest, greatest}))
        .isCloseTo(greatest / 3, within(Math.ulp(greatest)));
    assertThat(Moments.mean(new double[] {.1, .1, .1})).isEqualTo(.1);
  }

  @Test
  void equalNumbersHaveNoVariance() {
    double[] equal = {.1, .1, .1};
    assertThat(Moments.sampleVariance(equal)).isEqualTo(0);
    assertThat(Moments.populationVariance(equal)).isEqualTo(0);
    assertThat(Moments.populationVariance(new double[] {4})).isEqualTo(0);
  }

  @Test
  void theExponentialAverageBeginsAtItsFirstNumber() {
    // .9·0 + .1·5 = .5, corrected by 1 − .9; then (.9·.5 + .1·6)/(1 − .81) = 5.526316
    ExponentialAverage average = ExponentialAverage.withDecay(.9).add(5);
    assertThat(average.value()).isCloseTo(5, within(1e-12));
    assertThat(average.add(6).value()).isCloseTo(5.526316, within(1e-6));
    assertThatIllegalStateException().isThrownBy(() -> ExponentialAverage.withDecay(.9).value());
  }

  @Test
  void theLogisticFunctionInItsTails() {
    assertThat(Logistic.sigmoid(0)).isEqualTo(.5);
    assertThat(Logistic.sigmoid(-800)).isEqualTo(0);
    assertThat(Logistic.sigmoid(800)).isEqualTo(1);
    assertThat(Logistic.negativeLogSigmoid(-800)).isEqualTo(800);
    assertThat(Logistic.negativeLogSigmoid(40)).isCloseTo(Math.exp(-40), within(1e-25));
    assertThat(Logistic.logit(Logistic.sigmoid(1.3))).isCloseTo(1.3, within(1e-12));
  }

  @Test
  void alarmsSayWhatPassedWhichLimit() {
    PolicyVitals first = new PolicyVitals(OptionalDouble.of(0), OptionalDouble.of(.5), 2, 20, .01);
    CollapseMonitor monitor = new CollapseMonitor(first, .3, 3, .25, 2, 2);
    assertThat(monitor.check(first)).isEmpty();
    assertThat(
            monitor.check(
                new PolicyVitals(OptionalDouble.of(.31), OptionalDouble.of(1.6), .4, 41, .028)))
        .isEqualTo(
            List.of(
                new Alarm(AlarmKind.KL_HIGH, .31, .3),
                new Alarm(AlarmKind.SPREAD_GREW, 1.6, 1.5),
                new Alarm(AlarmKind.ENTROPY_LOW, .4, .5),
                new Alarm(AlarmKind.LENGTH_GREW, 41, 40),
                new Alarm(AlarmKind.PHRASE_SPREAD, .028, .02)));
  }

  @Test
  void aKlThatWasNotMeasuredIsComparedWithNothing() {
    PolicyVitals none = new PolicyVitals(OptionalDouble.empty(), OptionalDouble.of(.5), 2, 20, .01);
    assertThat(new CollapseMonitor(none, .3, 3, .25, 2, 2).check(none)).isEmpty();
  }

  @Test
  void aSpreadThatIsNotThereIsComparedWithNothing() {
    PolicyVitals none = new PolicyVitals(OptionalDouble.of(0), OptionalDouble.empty(), 2, 20, .01);
    PolicyVitals some = new PolicyVitals(OptionalDouble.of(0), OptionalDouble.of(9), 2, 20, .01);
    assertThat(new CollapseMonitor(none, .3, 3, .25, 2, 2).check(some)).isEmpty();
    assertThat(new CollapseMonitor(some, .3, 3, .25, 2, 2).check(none)).isEmpty();
  }

  @Test
  void quantilesInterpolateBetweenNeighbours() {
    // h = 3p: at .25 three quarters of the way from 1 to 2, at .9 seven tenths from 4 to 8
    double[] values = {8, 1, 4, 2};
    assertThat(Quantiles.of(values, .25)).isCloseTo(1.75, within(1e-12));
    assertThat(Quantiles.of(values, .9)).isCloseTo(6.8, within(1e-12));
    assertThat(Quantiles.upper(values, .1)).isCloseTo(6.8, within(1e-12));
    assertThat(Quantiles.median(values)).isEqualTo(3);
    assertThat(Quantiles.of(values, 0)).isEqualTo(1);
    assertThat(Quantiles.of(values, 1)).isEqualTo(8);
    assertThat(Quantiles.of(new double[] {5}, .3)).isEqualTo(5);
    assertThat(values).containsExactly(8, 1, 4, 2);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Moments.mean(new double[0]))
        .withMessage("values: no elements (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RunningMoments.empty().add(1, Double.NaN))
        .withMessage("values[1]: NaN (expected: finite)");
  }
}
