package io.ballast.standalone.demo.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Intervals hold what they promise although positions of one file resemble each other. */
class ClusteredRatioTest {
  private static final double T_ONE_DEGREE = 12.706204736;
  private static final double T_TWO_DEGREES = 4.302652730;

  @Test
  void aHandComputedMean() {
    // mean = (1 + 3 + 5 + 7)/4 = 4; residual sums: a: −3 − 1 = −4, b: 1 + 3 = 4
    // SE² = 2/1 · (16 + 16)/16 = 4, SE = 2; t(0.975, 1) = 12.7062
    Interval mean = ClusteredRatio.mean(new double[] {1, 3, 5, 7}, List.of("a", "a", "b", "b"));
    assertThat(mean.value()).isEqualTo(4);
    assertThat(mean.low()).isCloseTo(4 - 2 * T_ONE_DEGREE, within(1e-6));
    assertThat(mean.high()).isCloseTo(4 + 2 * T_ONE_DEGREE, within(1e-6));
  }

  @Test
  void aHandComputedRatioOfUnequalClusters() {
    // r = (2 + 1 + 3)/(4 + 2 + 4) = 0.6; residuals: 2 − 2.4 = −0.4, 1 − 1.2 = −0.2, 3 − 2.4 = 0.6
    // SE² = 3/2 · (0.16 + 0.04 + 0.36)/100 = 0.0084
    Interval ratio =
        ClusteredRatio.ratio(new double[] {2, 1, 3}, new double[] {4, 2, 4}, List.of("a", "b", "c"))
            .orElseThrow();
    assertThat(ratio.value()).isCloseTo(0.6, within(1e-12));
    assertThat(ratio.high() - 0.6).isCloseTo(T_TWO_DEGREES * Math.sqrt(0.0084), within(1e-6));
  }

  @Test
  void aPairedDifferenceIsTheMeanOfDifferences() {
    double[] before = {1, 0, 1, 0, 0, 1};
    double[] after = {1, 1, 1, 0, 1, 0};
    List<String> files = List.of("a", "a", "b", "b", "c", "c");
    assertThat(ClusteredRatio.pairedDifference(before, after, files))
        .isEqualTo(ClusteredRatio.mean(new double[] {0, 1, 0, 0, 1, -1}, files));
  }

  @Test
  void pairingTakesOutWhatPositionsHaveInCommon() {
    // positions differ by tens, versions by one, at each position alike but for a little
    double[] before = {10, 20, 30, 40, 50, 60};
    double[] after = {11.1, 21, 30.9, 41, 51.1, 60.9};
    List<Integer> files = List.of(1, 2, 3, 4, 5, 6);
    Interval difference = ClusteredRatio.pairedDifference(before, after, files);
    assertThat(difference.value()).isCloseTo(1, within(1e-9));
    assertThat(difference.high() - difference.low()).isLessThan(0.3);
    Interval alone = ClusteredRatio.mean(after, files);
    assertThat(alone.high() - alone.low()).isGreaterThan(30);
  }

  @Test
  void withOnePositionAFileItIsTheOrdinaryInterval() {
    // t interval of 1, 2, 3, 4: mean 2.5, s² = 5/3, SE = sqrt(5/12), t(0.975, 3) = 3.182446
    Interval mean = ClusteredRatio.mean(new double[] {1, 2, 3, 4}, List.of(1, 2, 3, 4));
    assertThat(mean.high() - mean.value())
        .isCloseTo(3.182446305 * Math.sqrt(5.0 / 12), within(1e-6));
  }

  @Test
  void whereAllSayTheSameTheIntervalHasNoWidth() {
    assertThat(ClusteredRatio.mean(new double[] {0, 0, 0}, List.of(1, 2, 2)))
        .isEqualTo(new Interval(0, 0, 0));
  }

  @Test
  void nothingToDivideByIsNoNumber() {
    assertThat(ClusteredRatio.ratio(new double[] {0, 0}, new double[] {0, 0}, List.of("a", "b")))
        .isEmpty();
  }

  @Test
  void oneFileSaysNothingAboutOthers() {
    assertThatThrownBy(() -> ClusteredRatio.mean(new double[] {1, 2}, List.of("a", "a")))
        .hasMessage("clusters: 1 (expected: ≥ 2)");
  }

  @Test
  void badNumbersAreNamed() {
    assertThatThrownBy(() -> ClusteredRatio.mean(new double[] {1, Double.NaN}, List.of("a", "b")))
        .hasMessageContaining("[1]: NaN");
  }

  /**
   * Draws files that differ (a file's rate is uniform on 0 to 0.6, true mean 0.3), 1 to 8 positions
   * each, and counts how often the interval holds the truth.
   */
  @Test
  void nineteenOfTwentyIntervalsHoldTheTruthWhereNaiveOnesDoNot() {
    Random random = new Random(5);
    int repetitions = 2_000;
    int covered = 0;
    int naive = 0;
    for (int r = 0; r < repetitions; r++) {
      List<Double> values = new ArrayList<>();
      List<Integer> files = new ArrayList<>();
      for (int file = 0; file < 60; file++) {
        double rate = 0.6 * random.nextDouble();
        for (int k = 1 + random.nextInt(8); k > 0; k--) {
          values.add(random.nextDouble() < rate ? 1.0 : 0.0);
          files.add(file);
        }
      }
      double[] numbers = values.stream().mapToDouble(Double::doubleValue).toArray();
      covered += holds(ClusteredRatio.mean(numbers, files), 0.3);
      List<Integer> alone = IntStream.range(0, numbers.length).boxed().toList();
      naive += holds(ClusteredRatio.mean(numbers, alone), 0.3);
    }
    assertThat((double) covered / repetitions).isBetween(0.935, 0.965);
    assertThat((double) naive / repetitions).isLessThan(0.925);
  }

  /** The same of a difference: half of the positions react to the file, all to the version. */
  @Test
  void intervalsOfPairedDifferencesHoldTheTruth() {
    Random random = new Random(6);
    int repetitions = 2_000;
    int covered = 0;
    for (int r = 0; r < repetitions; r++) {
      double[] before = new double[240];
      double[] after = new double[240];
      Integer[] files = new Integer[240];
      double effect = 0;
      for (int i = 0; i < 240; i++) {
        files[i] = i / 4;
        effect = i % 4 == 0 ? 0.4 * random.nextGaussian() : effect;
        double place = 3 * random.nextGaussian();
        before[i] = place + random.nextGaussian();
        after[i] = place + 0.2 + effect + random.nextGaussian();
      }
      covered += holds(ClusteredRatio.pairedDifference(before, after, Arrays.asList(files)), 0.2);
    }
    assertThat((double) covered / repetitions).isBetween(0.935, 0.965);
  }

  private static int holds(Interval interval, double truth) {
    return interval.low() <= truth && truth <= interval.high() ? 1 : 0;
  }
}
