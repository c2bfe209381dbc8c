package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Fitting withholds as much as it may while nearly all of it would have been rejected. */
class ThresholdFitterTest {
  private static ThresholdFitter fitter(double accuracy, double referCost) {
    return new ThresholdFitter(
        accuracy, referCost, .1, ProportionBoundMethod.CLOPPER_PEARSON, false);
  }

  /** Users who accept with probability p₂, of which stage 1 sees a blurred version. */
  private static List<GateExample> users(long seed, int count, int levels) {
    SplittableRandom random = new SplittableRandom(seed);
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      double p2 = Math.round(random.nextDouble() * levels) / (double) levels;
      double blurred = Math.clamp(p2 + .2 * random.nextGaussian(), 0, 1);
      double p1 = Math.round(blurred * levels) / (double) levels;
      examples.add(new GateExample(p1, p2, random.nextDouble() < p2));
    }
    return examples;
  }

  @Test
  void eightRejectedAndOneAcceptedByHand() {
    // referring everything: withholding the 8 below .5 loses none; empirical ρ = .9 allows 8 of 8
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      examples.add(new GateExample(.5, .1 + i * .01, false));
    }
    examples.add(new GateExample(.5, .5, true));
    ThresholdFit fit =
        new ThresholdFitter(.9, 0, .1, ProportionBoundMethod.EMPIRICAL, false)
            .fit(examples, new double[] {0});
    assertThat(fit)
        .isEqualTo(
            new ThresholdFit.Feasible(
                new CascadeRule(new GateThresholds(0, 0, .5), false),
                8,
                8,
                0,
                9,
                9,
                1,
                1,
                1 - 8 / 9.0));
  }

  @ParameterizedTest
  @EnumSource(ProportionBoundMethod.class)
  void agreesWithTryingEverything(ProportionBoundMethod bound) {
    for (int seed = 0; seed < 12; seed++) {
      List<GateExample> examples = users(seed, 60, 12);
      for (double referCost : new double[] {0, .5}) {
        boolean secondLook = seed % 2 == 0;
        ThresholdFitter fitter = new ThresholdFitter(.75, referCost, .2, bound, secondLook);
        double best = leastLoss(examples, fitter);
        switch (fitter.fit(examples)) {
          case ThresholdFit.Feasible fit -> {
            assertThat(fit.loss()).isCloseTo(best, within(1e-12));
            assertThat(lossOf(examples, fitter, fit.rule()))
                .as("the thresholds do what the fit says")
                .isCloseTo(best, within(1e-12));
          }
          case ThresholdFit.Infeasible _ -> assertThat(best).isInfinite();
        }
      }
    }
  }

  private static double leastLoss(List<GateExample> examples, ThresholdFitter fitter) {
    double best = Double.POSITIVE_INFINITY;
    double[] entropies =
        examples.stream().mapToDouble(e -> BinaryEntropy.bits(e.stageOne())).distinct().toArray();
    double[] grid = DoubleStream.iterate(0, p -> p <= 1, p -> p + 1 / 24.0).toArray();
    for (double refer :
        DoubleStream.concat(DoubleStream.of(0, 1), DoubleStream.of(entropies)).toArray()) {
      for (double one : grid) {
        for (double two : grid) {
          best =
              Math.min(
                  best,
                  lossOf(
                      examples,
                      fitter,
                      new CascadeRule(new GateThresholds(refer, one, two), fitter.secondLook())));
        }
      }
    }
    return best;
  }

  /** The loss by walking the gate; infinite if nothing is withheld or the bound is missed. */
  private static double lossOf(
      List<GateExample> examples, ThresholdFitter fitter, CascadeRule rule) {
    DisplayGate gate = new DisplayGate(rule, 0);
    int referred = 0;
    int withheld = 0;
    int rejected = 0;
    for (GateExample example : examples) {
      GateDecision first = gate.decideGeneration(example.stageOne(), 0);
      boolean shown = first.lets();
      if (gate.needsSecondLook(first.outcome())) {
        referred++;
        shown = gate.decideDisplay(example.stageTwo(), 0).lets();
      }
      withheld += shown ? 0 : 1;
      rejected += shown || example.accepted() ? 0 : 1;
    }
    if (withheld == 0
        || fitter.bound().lower(rejected, withheld, fitter.delta()) < fitter.targetAccuracy()) {
      return Double.POSITIVE_INFINITY;
    }
    double n = examples.size();
    return fitter.referCost() * referred / n + (1 - fitter.referCost()) * (1 - withheld / n);
  }

  @Test
  void askingForMoreCertaintyWithholdsLess() {
    List<GateExample> examples = users(1, 600, 1000);
    int before = Integer.MAX_VALUE;
    for (double accuracy : new double[] {.7, .8, .9, .95, .99}) {
      int withheld = fitter(accuracy, 0).fit(examples).withheldCount();
      assertThat(withheld).isLessThanOrEqualTo(before);
      before = withheld;
    }
    assertThat(before).as("ρ = .99 from 600 examples").isLessThan(60);
  }

  @Test
  void leavingMoreToStageOneGeneratesLess() {
    List<GateExample> examples = users(2, 600, 1000);
    ThresholdFit.Feasible referAll =
        (ThresholdFit.Feasible) fitter(.85, 0).fit(examples, new double[] {0});
    ThresholdFit.Feasible referHalf =
        (ThresholdFit.Feasible) fitter(.85, 0).fit(examples, new double[] {.9});
    assertThat(referAll.notGeneratedCount()).isEqualTo(0);
    assertThat(referHalf.notGeneratedCount()).isPositive();
    assertThat(referHalf.withheldCount()).isLessThanOrEqualTo(referAll.withheldCount());
  }

  @Test
  void theBoundHoldsOnFreshUsersWhereThePlainShareFallsShort() {
    double target = .8;
    int boundedMisses = 0;
    int plainMisses = 0;
    int splits = 40;
    double[] referEntropies = {0, .7, .9};
    ThresholdFitter plain =
        new ThresholdFitter(target, 0, .1, ProportionBoundMethod.EMPIRICAL, false);
    for (int split = 0; split < splits; split++) {
      List<GateExample> train = users(100 + split, 400, 1000);
      List<GateExample> fresh = users(900 + split, 4000, 1000);
      boundedMisses +=
          accuracyOn(fresh, fitter(target, 0).fit(train, referEntropies)) < target ? 1 : 0;
      plainMisses += accuracyOn(fresh, plain.fit(train, referEntropies)) < target ? 1 : 0;
    }
    assertThat(boundedMisses).as("of 40 fits").isLessThanOrEqualTo(8);
    assertThat(plainMisses).as("of 40 fits").isGreaterThan(20);
  }

  /** The share of rejected among withheld on fresh users; 1 where nothing is withheld. */
  private static double accuracyOn(List<GateExample> fresh, ThresholdFit fit) {
    return switch (fit) {
      case ThresholdFit.Infeasible _ -> 1;
      case ThresholdFit.Feasible feasible -> {
        DisplayGate gate = new DisplayGate(feasible.rule(), 0);
        double withheld = 0;
        double rejected = 0;
        for (GateExample example : fresh) {
          GateDecision first = gate.decideGeneration(example.stageOne(), 0);
          boolean shown =
              gate.needsSecondLook(first.outcome())
                  ? gate.decideDisplay(example.stageTwo(), 0).lets()
                  : first.lets();
          withheld += shown ? 0 : 1;
          rejected += shown || example.accepted() ? 0 : 1;
        }
        yield withheld == 0 ? 1 : rejected / withheld;
      }
    };
  }

  @Test
  void aSecondLookIsFittedForItself() {
    // stage 1 passes .9 sure, stage 2 says .1 of what is rejected there: only a second look hides
    // it
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      examples.add(new GateExample(.9, .1, false));
      examples.add(new GateExample(.9, .9, true));
    }
    double[] surely = {.9};
    ThresholdFit unseen = fitter(.9, 0).fit(examples, surely);
    ThresholdFit seen =
        new ThresholdFitter(.9, 0, .1, ProportionBoundMethod.CLOPPER_PEARSON, true)
            .fit(examples, surely);
    assertThat(unseen).isEqualTo(new ThresholdFit.Infeasible(60));
    assertThat(seen.withheldCount()).isEqualTo(30);
  }

  @Test
  void whenEverythingIsAcceptedNothingIsWithheld() {
    List<GateExample> happy = List.of(new GateExample(.1, .1, true), new GateExample(.2, .2, true));
    assertThat(fitter(.9, 0).fit(happy)).isEqualTo(new ThresholdFit.Infeasible(2));
  }

  @Test
  void noExamplesAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> fitter(.9, 0).fit(List.of()))
        .withMessage("examples: 0 (expected: >= 1)");
  }
}
