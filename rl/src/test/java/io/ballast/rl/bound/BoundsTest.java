package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Bounds hold with the stated confidence. */
class BoundsTest {
  private static final double[] COSTS = {-1.2, -.4, .3, -2, -.9, .1, -1.5, -.7, -.2, -1.1};

  @ParameterizedTest
  @CsvSource({
    ".1, 19, 1.327728",
    ".1, 99, 1.290161",
    ".1, 255, 1.284880",
    ".1, 999, 1.282400",
    ".05, 99, 1.660391",
    ".01, 99, 2.364606"
  })
  void quantilesOfStudentsT(double delta, int degreesOfFreedom, double expected) {
    assertThat(MeanBounds.studentTQuantile(delta, degreesOfFreedom))
        .isCloseTo(expected, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({".1, -.443142, -.573058", ".05, -.340026, -.519412", ".01, -.113596, -.417372"})
  void upperBoundsOfTenCosts(double delta, double test, double candidate) {
    // −.76 + t(1−δ, 9)·.724492/√10, and with 2·t(1−δ, 99)/√100 before a test of a hundred
    assertThat(MeanBounds.studentTUpper(COSTS, delta)).isCloseTo(test, within(1e-6));
    assertThat(MeanBounds.seldonianCandidateUpper(COSTS, delta, 100))
        .isCloseTo(candidate, within(1e-6));
  }

  @Test
  void lowerMirrorsUpper() {
    double[] negated = Arrays.stream(COSTS).map(x -> -x).toArray();
    assertThat(MeanBounds.studentTLower(negated, .1))
        .isCloseTo(-MeanBounds.studentTUpper(COSTS, .1), within(1e-12));
    double[] rates = {0, .25, 1};
    double[] mirrored = {1, .75, 0};
    assertThat(MeanBounds.hoeffdingLower(mirrored, 0, 1, .4))
        .isCloseTo(1 - MeanBounds.hoeffdingUpper(rates, 0, 1, .4), within(1e-12));
  }

  @Test
  void hoeffdingOfTwentyFourHarmlessAnswers() {
    // √(ln 20/48) = .249822
    assertThat(MeanBounds.hoeffdingUpper(new double[24], 0, 1, .05))
        .isCloseTo(.249822, within(1e-6));
    assertThat(MeanBounds.hoeffdingUpper(new double[] {1}, 0, 1, .05)).as("at most 1").isEqualTo(1);
  }

  @Test
  void hoeffdingRefusesWhatLeavesItsRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MeanBounds.hoeffdingUpper(new double[] {.5, 1.2}, 0, 1, .05))
        .withMessage("values[1]: 1.2 (expected: 0.0 to 1.0)");
  }

  @Test
  void empiricalBernsteinByHand() {
    // a hundred costs, half of them 1: √(2·.252525·ln 20/100) + 7·ln 20/(3·99) = .123004 + .070606
    double[] half = new double[100];
    Arrays.fill(half, 0, 50, 1);
    assertThat(MeanBounds.empiricalBernsteinUpper(half, 0, 1, .1)).isCloseTo(.693610, within(1e-6));
    assertThat(MeanBounds.empiricalBernsteinUpper(new double[100], 0, 1, .1))
        .isCloseTo(.070606, within(1e-6));
    assertThat(MeanBounds.empiricalBernsteinUpper(new double[] {0, 1}, 0, 1, .1))
        .as("at most 1")
        .isEqualTo(1);
    assertThat(MeanBounds.empiricalBernsteinLower(half, 0, 1, .1))
        .isCloseTo(1 - .693610, within(1e-6));
  }

  @Test
  void clopperPearsonAtTheEnds() {
    // no success: 0; all of n: δ^(1/n) = .05^(1/10) = .741134; upper of 0 in 24 is 1 − .05^(1/24)
    assertThat(ProportionBounds.clopperPearsonLower(0, 10, .05)).isEqualTo(0);
    assertThat(ProportionBounds.clopperPearsonLower(10, 10, .05)).isCloseTo(.741134, within(1e-6));
    assertThat(ProportionBounds.clopperPearsonUpper(0, 24, .05))
        .isCloseTo(1 - Math.pow(.05, 1 / 24.0), within(1e-9));
  }

  @Test
  void clopperPearsonSolvesTheBinomial() {
    // P(X ≥ 8 | n = 10, p) at the lower bound is δ
    double p = ProportionBounds.clopperPearsonLower(8, 10, .05);
    double tail =
        45 * Math.pow(p, 8) * (1 - p) * (1 - p) + 10 * Math.pow(p, 9) * (1 - p) + Math.pow(p, 10);
    assertThat(tail).isCloseTo(.05, within(1e-9));
  }

  @Test
  void wilsonSolvesItsQuadratic() {
    // (p̂ − p)² = z²·p(1 − p)/n with z = 1.644854
    double p = ProportionBounds.wilsonLower(8, 10, .05);
    assertThat((.8 - p) * (.8 - p)).isCloseTo(1.644854 * 1.644854 * p * (1 - p) / 10, within(1e-6));
    assertThat(ProportionBounds.wilsonLower(0, 10, .05)).isEqualTo(0);
    assertThat(ProportionBounds.wilsonUpper(10, 10, .05)).isEqualTo(1);
    assertThat(ProportionBounds.wilsonLower(8, 10, .05))
        .isBetween(ProportionBounds.clopperPearsonLower(8, 10, .05), .8);
  }

  @Test
  void clustersOfOneAreStudentsT() {
    List<Integer> own = new ArrayList<>();
    for (int i = 0; i < COSTS.length; i++) {
      own.add(i);
    }
    Interval clustered = MeanIntervals.clusteredMean(COSTS, own, .95);
    Interval plain = MeanIntervals.mean(COSTS, .95);
    assertThat(clustered.low()).isCloseTo(plain.low(), within(1e-12));
    assertThat(clustered.high()).isCloseTo(plain.high(), within(1e-12));
  }

  @Test
  void twoClustersByHand() {
    // (1, 1, 3, 3): mean 2, cluster sums of deviations ∓2; V = 2/1·(4 + 4)/16 = 1; t(.975, 1) =
    // 12.7062
    Interval interval =
        MeanIntervals.clusteredMean(new double[] {1, 1, 3, 3}, List.of("a", "a", "b", "b"), .95);
    assertThat(interval.estimate()).isEqualTo(2);
    assertThat(interval.high() - 2).isCloseTo(12.7062, within(1e-4));
  }

  @Test
  void repeatingEveryRowDoesNotNarrowAClusteredInterval() {
    double[] once = {.1, .9, .4, .3, .8};
    double[] thrice = new double[15];
    List<Integer> clusters = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      thrice[i] = once[i / 3];
      clusters.add(i / 3);
    }
    Interval honest = MeanIntervals.clusteredMean(thrice, clusters, .95);
    Interval plain = MeanIntervals.mean(once, .95);
    assertThat(honest.low()).isCloseTo(plain.low(), within(1e-12));
    assertThat(MeanIntervals.mean(thrice, .95).low()).as("naive").isGreaterThan(honest.low());
  }

  @Test
  void pairingRemovesWhatPairsShare() {
    double[] before = {10, 20, 30, 40};
    double[] after = {11, 21.2, 30.9, 41.1};
    Interval difference = MeanIntervals.pairedDifference(before, after, .95);
    // differences 1, 1.2, .9, 1.1: mean 1.05, s = .129099; t(.975, 3) = 3.182446; half-width
    // .205427
    assertThat(difference.estimate()).isCloseTo(1.05, within(1e-9));
    assertThat(difference.high() - difference.low()).isCloseTo(2 * .205427, within(1e-5));
    assertThat(difference.contains(0)).isFalse();
    assertThat(
            MeanIntervals.clusteredPairedDifference(before, after, List.of(1, 2, 3, 4), .95).low())
        .isCloseTo(difference.low(), within(1e-9));
  }

  @Test
  void clusteredIntervalsCoverWherePlainOnesDoNot() {
    // 40 files of 10 positions that share their file's effect: truth 0 inside 95 % of intervals
    SplittableRandom random = new SplittableRandom(3);
    int clustered = 0;
    int plain = 0;
    for (int trial = 0; trial < 400; trial++) {
      double[] values = new double[400];
      List<Integer> files = new ArrayList<>();
      for (int file = 0; file < 40; file++) {
        double effect = random.nextGaussian();
        for (int i = 0; i < 10; i++) {
          values[file * 10 + i] = effect + random.nextGaussian();
          files.add(file);
        }
      }
      clustered += MeanIntervals.clusteredMean(values, files, .95).contains(0) ? 1 : 0;
      plain += MeanIntervals.mean(values, .95).contains(0) ? 1 : 0;
    }
    assertThat(clustered / 400.0).isBetween(.91, .98);
    assertThat(plain / 400.0).isLessThan(.7);
  }

  @Test
  void oneClusterIsNotEnough() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> MeanIntervals.clusteredMean(new double[] {1, 2}, List.of(1, 1), .95))
        .withMessage("distinct clusters: 1 (expected: >= 2)");
  }
}
