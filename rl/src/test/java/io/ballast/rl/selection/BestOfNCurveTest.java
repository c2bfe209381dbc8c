package io.ballast.rl.selection;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.Interval;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

/** What best of n is worth over prompts. */
class BestOfNCurveTest {
  private static final CandidatePool PAPER =
      CandidatePool.of(new double[] {.1, .5, .3, .9}, new double[] {1, 2, -1, 0});

  @Test
  void onePoolIsThePapersEstimatorWithoutIntervals() {
    BestOfNCurve curve = estimate(List.of(PAPER), List.of(1, 2, 3, 4));

    assertThat(curve.points())
        .extracting(BestOfNCurve.Point::gold)
        .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-12 ? 0 : Double.compare(a, b))
        .containsExactly(.5, .5, .5, 0.);
    assertThat(curve.points().get(3).proxy()).isEqualTo(.9);
    // C(4, 2) pairs: .3 once, .5 twice, .9 thrice
    assertThat(curve.points().get(1).proxy()).isCloseTo((.3 + 2 * .5 + 3 * .9) / 6, within(1e-12));
    assertThat(curve.points().get(1).kl()).isCloseTo(.193147, within(1e-6));
    assertThat(curve.points()).allMatch(point -> point.goldInterval().isEmpty());
    assertThat(curve.fit().orElseThrow().interval()).isEqualTo(FitInterval.STUDENT_T);
    assertThat(curve.whyNoFit()).isEmpty();
  }

  @Test
  void promptsWeighTheSameWhateverTheirPools() {
    CandidatePool two = CandidatePool.of(new double[] {1, 2}, new double[] {10, 20});
    BestOfNCurve curve = estimate(List.of(PAPER, two), List.of(1, 2));

    assertThat(curve.points().get(0).gold()).isCloseTo((.5 + 15) / 2, within(1e-12));
    assertThat(curve.points().get(1).gold()).isCloseTo((.5 + 20) / 2, within(1e-12));
    // a resample of two prompts is one of them twice, or both
    Interval interval = curve.points().get(1).goldInterval().orElseThrow();
    assertThat(interval.low()).isCloseTo(.5, within(1e-12));
    assertThat(interval.high()).isCloseTo(20, within(1e-12));
    assertThat(curve.fit()).isEmpty();
    assertThat(curve.whyNoFit())
        .isEqualTo("1 of the n are over 1 and to be fitted (expected: at least 3)");
  }

  @Test
  void anOffsetOfGoldChangesNoFit() {
    SplittableRandom random = new SplittableRandom(4);
    List<CandidatePool> pools = pools(random, 30, 0);
    List<CandidatePool> shifted = pools(new SplittableRandom(4), 30, 100);

    GoldFit fit = estimate(pools, BestOfNPlan.powersOfTwo(64)).fit().orElseThrow();
    GoldFit other = estimate(shifted, BestOfNPlan.powersOfTwo(64)).fit().orElseThrow();
    assertThat(other.alpha().estimate()).isCloseTo(fit.alpha().estimate(), within(1e-9));
    assertThat(other.beta().high()).isCloseTo(fit.beta().high(), within(1e-9));
    assertThat(fit.interval()).isEqualTo(FitInterval.BOOTSTRAP);
    // best of n by a proxy that is half right gains: α > 0 surely
    assertThat(fit.alpha().low()).isPositive();
  }

  @Test
  void aProxyWhoseHighestScoresAreWrongIsOveroptimised() {
    // gold = proxy, but for the highest proxies, which are worth −3: gold rises, turns and falls
    SplittableRandom random = new SplittableRandom(5);
    List<CandidatePool> pools = new ArrayList<>();
    for (int p = 0; p < 40; p++) {
      double[] proxy = random.doubles(256, 0, 1).toArray();
      double[] gold = new double[256];
      for (int i = 0; i < 256; i++) {
        gold[i] = proxy[i] > .97 ? -3 : proxy[i];
      }
      pools.add(CandidatePool.of(proxy, gold));
    }
    BestOfNCurve curve = estimate(pools, BestOfNPlan.powersOfTwo(256));
    assertThat(curve.points().getLast().gold()).isLessThan(-2);
    assertThat(curve.points().get(1).gold()).isGreaterThan(curve.points().get(0).gold());
    GoldFit fit = curve.fit().orElseThrow();
    assertThat(fit.beta().low()).isPositive();
    assertThat(fit.peak().orElseThrow().observed()).isTrue();
    // a range fixed beforehand: the fit does not see what lies beyond it
    GoldFit near =
        BestOfNCurve.estimate(
                pools,
                new BestOfNPlan(BestOfNPlan.powersOfTwo(256), 16, 500, .95),
                new SplittableRandom(1))
            .fit()
            .orElseThrow();
    assertThat(near.points()).isEqualTo(4);
    assertThat(near.farthest()).isCloseTo(Math.sqrt(BestOfN.kl(16)), within(1e-12));
  }

  @Test
  void intervalsOverPromptsCoverTheTruth() {
    // gold is the proxy plus a level of its own for each prompt: E[best of 4 standard normals]
    // = 1.02938, whatever the pools
    int covered = 0;
    SplittableRandom random = new SplittableRandom(6);
    for (int trial = 0; trial < 200; trial++) {
      List<CandidatePool> pools = new ArrayList<>();
      for (int p = 0; p < 40; p++) {
        double level = random.nextGaussian();
        double[] proxy = new double[8];
        double[] gold = new double[8];
        for (int i = 0; i < 8; i++) {
          proxy[i] = random.nextGaussian();
          gold[i] = proxy[i] + level;
        }
        pools.add(CandidatePool.of(proxy, gold));
      }
      BestOfNCurve curve =
          BestOfNCurve.estimate(pools, new BestOfNPlan(List.of(4), 0, 400, .9), random.split());
      covered += curve.points().getFirst().goldInterval().orElseThrow().contains(1.02938) ? 1 : 0;
    }
    // 180 ± 4·√(200·.9·.1) = 17, and percentiles of 40 prompts are a little narrow
    assertThat(covered).isBetween(158, 197);
  }

  @Test
  void powersOfTwo() {
    assertThat(BestOfNPlan.powersOfTwo(1)).containsExactly(1);
    assertThat(BestOfNPlan.powersOfTwo(12)).containsExactly(1, 2, 4, 8);
    assertThat(BestOfNPlan.powersOfTwo(16)).endsWith(16);
    assertThat(BestOfNPlan.powersOfTwo(Integer.MAX_VALUE)).hasSize(31);
  }

  @Test
  void badInputIsNamed() {
    refused(
        "proxy[1]: NaN (expected: finite)",
        () -> CandidatePool.of(new double[] {1, Double.NaN}, new double[] {1, 2}));
    refused(
        "gold: 1 elements (expected: 2)",
        () -> CandidatePool.of(new double[] {1, 2}, new double[] {1}));
    refused(
        "gold[0]: 1.0E101 (expected: -1.0E100 to 1.0E100)",
        () -> CandidatePool.of(new double[] {1}, new double[] {1e101}));
    refused(
        "pools[0]: 4 completions (expected: at least the greatest n, 8)",
        () -> estimate(List.of(PAPER), List.of(1, 8)));
    refused("ns[1]: 2 (expected: >= 3)", () -> new BestOfNPlan(List.of(2, 2), 0, 100, .9));
    refused("ns[0]: 0 (expected: >= 1)", () -> new BestOfNPlan(List.of(0), 0, 100, .9));
    refused("resamples: 99 (expected: >= 100)", () -> new BestOfNPlan(List.of(1), 0, 99, .9));
  }

  private static void refused(
      String message, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatIllegalArgumentException().isThrownBy(call).withMessage(message);
  }

  private static BestOfNCurve estimate(List<CandidatePool> pools, List<Integer> ns) {
    return BestOfNCurve.estimate(pools, new BestOfNPlan(ns, 0, 500, .95), new SplittableRandom(1));
  }

  private static List<CandidatePool> pools(RandomGenerator random, int count, double offset) {
    List<CandidatePool> pools = new ArrayList<>();
    for (int p = 0; p < count; p++) {
      double[] proxy = new double[64];
      double[] gold = new double[64];
      for (int i = 0; i < 64; i++) {
        double shared = random.nextGaussian();
        proxy[i] = shared + random.nextGaussian();
        gold[i] = shared + offset;
      }
      pools.add(CandidatePool.of(proxy, gold));
    }
    return pools;
  }
}
