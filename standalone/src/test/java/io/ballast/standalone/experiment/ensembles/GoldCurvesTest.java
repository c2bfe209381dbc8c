package io.ballast.standalone.experiment.ensembles;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.standalone.experiment.Claim;
import io.ballast.standalone.experiment.Claim.Verdict;
import io.ballast.standalone.experiment.ensembles.GoldCurves.OfSeed;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Curves are the estimator's, aggregated as they say, and claims follow from them alone. */
class GoldCurvesTest {
  private static final List<Integer> NS = List.of(1, 2, 4, 8, 16, 32, 64, 128, 256);

  @Test
  void aPoolThatAPersonCanCompute() {
    // two members that disagree on the last completion, which is bad
    ScoredPool pool =
        new ScoredPool(new double[][] {{0, 1, 2, 9}, {0, 1, 2, -9}}, new double[] {1, 2, 3, -10});
    OfSeed curves = OfSeed.of(List.of(1, 4), List.of(pool));

    // best of all four: the first member takes the bad one, the second the third; mean (0, 1, 2, 0)
    assertThat(curves.gold(Aggregate.SINGLE)[1]).isCloseTo((-10 + 3) / 2.0, within(1e-12));
    assertThat(curves.gold(Aggregate.MEAN)[1]).isCloseTo(3, within(1e-12));
    assertThat(curves.gold(Aggregate.UWO)[1]).isCloseTo(3, within(1e-12));
    assertThat(curves.gold(Aggregate.WCO)[1]).isCloseTo(3, within(1e-12));
    assertThat(curves.oracle()[1]).isCloseTo(3, within(1e-12));
    // one drawn at random is one drawn at random, whoever chooses
    for (double[] curve : curves.gold().values()) {
      assertThat(curve[0]).isCloseTo(-1, within(1e-12));
    }
  }

  @Test
  void aggregatesAreThoseOfTheServer() {
    double[][] members = {{1, 2}, {3, 2}, {5, 2}};
    assertThat(Aggregate.SINGLE.rewards(members, 1)).containsExactly(3, 2);
    assertThat(Aggregate.MEAN.rewards(members, 0)).containsExactly(3, 2);
    // variance divided by K: (4 + 0 + 4) / 3, λ = ½
    assertThat(Aggregate.UWO.rewards(members, 0)).containsExactly(3 - 0.5 * 8 / 3, 2);
    assertThat(Aggregate.WCO.rewards(members, 0)).containsExactly(1, 2);
    assertThatThrownBy(() -> Aggregate.SINGLE.rewards(members, 3))
        .isInstanceOf(IllegalArgumentException.class);
  }

  /** Curves as the paper has them: the single member turns and falls, WCO goes on. */
  private static GoldCurves asInThePaper(double fall, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    List<OfSeed> seeds = new ArrayList<>();
    for (int s = 0; s < 5; s++) {
      Map<Aggregate, double[]> gold = new EnumMap<>(Aggregate.class);
      gold.put(Aggregate.SINGLE, curve(1, fall, random));
      gold.put(Aggregate.MEAN, curve(1.1, fall * 0.8, random));
      gold.put(Aggregate.UWO, curve(1.2, 0, random));
      gold.put(Aggregate.WCO, curve(1.3, 0, random));
      seeds.add(new OfSeed(gold, curve(2, 0, new SplittableRandom(1))));
    }
    return GoldCurves.of(NS, seeds);
  }

  private static double[] curve(double slope, double fall, SplittableRandom random) {
    double[] curve = new double[NS.size()];
    for (int i = 0; i < curve.length; i++) {
      curve[i] = slope * i - fall * i * i + 0.01 * random.nextGaussian();
    }
    return curve;
  }

  @Test
  void claimsHoldOnCurvesAsInThePaper() {
    GoldCurves noisy = asInThePaper(0.2, 3);
    CurveClaims claims = new CurveClaims("made up", "points");
    assertThat(claims.ofNoise(noisy, 0.25)).extracting(Claim::verdict).containsOnly(Verdict.HOLDS);
    assertThat(claims.ofBoth(asInThePaper(0.02, 4), noisy, 0.25))
        .extracting(Claim::verdict)
        .containsOnly(Verdict.HOLDS);
    assertThat(claims.ofOracle(noisy).holds()).isTrue();
  }

  @Test
  void theSameClaimsAreDeniedByCurvesTheOtherWayRound() {
    GoldCurves noisy = asInThePaper(0.2, 3);
    List<OfSeed> reversed = new ArrayList<>();
    for (int s = 0; s < noisy.seeds(); s++) {
      Map<Aggregate, double[]> gold = new EnumMap<>(Aggregate.class);
      gold.put(Aggregate.SINGLE, noisy.curve(Aggregate.WCO, s));
      gold.put(Aggregate.MEAN, noisy.curve(Aggregate.UWO, s));
      gold.put(Aggregate.UWO, noisy.curve(Aggregate.MEAN, s));
      gold.put(Aggregate.WCO, noisy.curve(Aggregate.SINGLE, s));
      reversed.add(new OfSeed(gold, noisy.oracleCurve(s)));
    }
    CurveClaims claims = new CurveClaims("made up", "points");
    assertThat(claims.ofNoise(GoldCurves.of(NS, reversed), 0.25))
        .extracting(Claim::verdict)
        .containsOnly(Verdict.CONTRADICTED);
  }

  @Test
  void anNThatWasNotEstimatedIsRefused() {
    assertThatThrownBy(() -> asInThePaper(0, 1).at(Aggregate.WCO, 3))
        .hasMessageContaining("n: 3 (expected: one of [1, 2, 4");
  }
}
