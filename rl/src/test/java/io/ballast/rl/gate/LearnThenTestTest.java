package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import io.ballast.rl.gate.MultipleTest.FixedSequence;
import io.ballast.rl.gate.MultipleTest.Holm;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** The promise of what is chosen survives that it was chosen. */
class LearnThenTestTest {
  private static final double TARGET = .8;
  private static final double ALPHA = .1;
  private static final int TRIALS = 400;

  /** Where p₂ comes from, and how often a suggestion with it is accepted. */
  private interface World {
    double accepts(double stageTwo);

    default List<GateExample> draw(SplittableRandom random, int count) {
      List<GateExample> examples = new ArrayList<>();
      for (int i = 0; i < count; i++) {
        double two = random.nextDouble();
        double one = Math.clamp(two + .2 * random.nextGaussian(), 0, 1);
        examples.add(new GateExample(one, two, random.nextDouble() < accepts(two)));
      }
      return examples;
    }
  }

  /** Predictions are noise, and 22 % of everything is accepted: whatever is hidden breaks ρ. */
  private static final World NOISE = two -> .22;

  /**
   * Predictions are right: what is below .2 is rejected often enough, what is a bit over is not.
   */
  private static final World RIGHT = two -> two;

  static Stream<MultipleTest> tests() {
    return Stream.of(new FixedSequence(1), new FixedSequence(4), new Holm());
  }

  @Test
  void theBestOfManyCellsBreaksThePromise() {
    // the bound of one fixed rule, at the same ρ and δ, taken of the best rule
    ThresholdFitter naive =
        new ThresholdFitter(TARGET, 0, ALPHA, ProportionBoundMethod.CLOPPER_PEARSON, true);
    int broken = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      List<GateExample> examples = NOISE.draw(new SplittableRandom(1_000 + trial), 400);
      broken +=
          naive.fit(examples, new double[] {0, .7, .9}) instanceof ThresholdFit.Feasible ? 1 : 0;
    }
    assertThat(broken).isGreaterThan(2 * Binomials.most(TRIALS, ALPHA));
  }

  @ParameterizedTest
  @MethodSource("tests")
  void learnThenTestKeepsItWhereNothingIsTrue(MultipleTest test) {
    int broken = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      SplittableRandom random = new SplittableRandom(1_000 + trial);
      broken += chosen(NOISE, test, random, 400) instanceof CertifiedGate.Certified ? 1 : 0;
    }
    assertThat(broken).isLessThanOrEqualTo(Binomials.most(TRIALS, ALPHA));
  }

  @ParameterizedTest
  @MethodSource("tests")
  void learnThenTestKeepsItAndHidesWherePredictionsAreRight(MultipleTest test) {
    List<GateExample> fresh = RIGHT.draw(new SplittableRandom(1), 10_000);
    int trials = TRIALS / 2;
    int broken = 0;
    int certified = 0;
    double hidden = 0;
    for (int trial = 0; trial < trials; trial++) {
      SplittableRandom random = new SplittableRandom(5_000 + trial);
      if (chosen(RIGHT, test, random, 1_200) instanceof CertifiedGate.Certified found) {
        certified++;
        hidden += found.counts().hidden() / 1_200.0;
        broken += trueAccuracy(found.rule(), fresh) < TARGET ? 1 : 0;
      }
    }
    assertThat(broken).isLessThanOrEqualTo(Binomials.most(trials, ALPHA));
    assertThat(certified).isGreaterThan(trials * 9 / 10);
    // hiding below p₂ = .4 rejects .8 of it: .4 at best, less what proof costs
    assertThat(hidden / certified).isBetween(.15, .4);
  }

  private static GateEvidence decisions(List<GateExample> examples) {
    return new GateEvidence.Decisions(examples);
  }

  private static CertifiedGate chosen(
      World world, MultipleTest test, SplittableRandom random, int count) {
    double[] sure = {0, .5};
    double[] lines = {0, .1, .2, .25, .3, .4};
    GateGrid grid = GateGrid.of(world.draw(random, 200), sure, lines, List.of(true), TARGET);
    return new LearnThenTest(TARGET, ALPHA, test, LearnThenTest.Aim.MOST_HIDDEN)
        .choose(grid, decisions(world.draw(random, count)));
  }

  /** The mean of 1 − p₂ over what is hidden: no outcome is drawn. */
  private static double trueAccuracy(CascadeRule rule, List<GateExample> fresh) {
    return fresh.stream()
        .filter(rule::hides)
        .mapToDouble(example -> 1 - RIGHT.accepts(example.stageTwo()))
        .average()
        .orElseThrow();
  }

  @Test
  void aPromiseForOneReadingIsNoneForTheOther() {
    // stage 1 is sure of .9 and right; stage 2 would hide half of what it passes, wrongly
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      examples.add(new GateExample(.05, .05, false));
      examples.add(new GateExample(.95, .05, true));
      examples.add(new GateExample(.95, .95, true));
    }
    GateEvidence evidence = decisions(examples);
    GateThresholds lines = new GateThresholds(.8, .1, .1);
    LearnThenTest rule =
        new LearnThenTest(.9, .1, new FixedSequence(1), LearnThenTest.Aim.MOST_HIDDEN);
    assertThat(rule.choose(new GateGrid(List.of(new CascadeRule(lines, false))), evidence))
        .isInstanceOf(CertifiedGate.Certified.class);
    assertThat(rule.choose(new GateGrid(List.of(new CascadeRule(lines, true))), evidence))
        .isEqualTo(new CertifiedGate.Infeasible(300, 1, 22)); // .9²² = .0985
  }

  @Test
  void twoRulesByHand() {
    // 60 hidden, none accepted: .9⁶⁰ = .0018; 80 hidden, 4 accepted: P[Bin(80, .1) ≤ 4] = .0880
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      examples.add(new GateExample(.5, .05, false));
    }
    for (int i = 0; i < 20; i++) {
      examples.add(new GateExample(.5, .15, i < 4));
      examples.add(new GateExample(.5, .95, true));
    }
    CascadeRule few = new CascadeRule(new GateThresholds(0, 0, .1), true);
    CascadeRule many = new CascadeRule(new GateThresholds(0, 0, .2), true);
    GateGrid grid = new GateGrid(List.of(few, many));
    CertifiedGate.Certified one = certified(new FixedSequence(1), grid, examples);
    assertThat(one.rule()).isEqualTo(many);
    assertThat(one.valid()).isEqualTo(2);
    assertThat(one.guarantee().hidden()).isEqualTo(80);
    assertThat(one.guarantee().accepted()).isEqualTo(4);
    assertThat(one.guarantee().pValue()).isCloseTo(.0880, within(1e-4));
    // the second of two at .1/1, after .0018 ≤ .1/2
    assertThat(certified(new Holm(), grid, examples).rule()).isEqualTo(many);
    // two starts at .05 each: the second of them finds .0880
    assertThat(certified(new FixedSequence(2), grid, examples).rule()).isEqualTo(few);
  }

  private static CertifiedGate.Certified certified(
      MultipleTest test, GateGrid grid, List<GateExample> examples) {
    return (CertifiedGate.Certified)
        new LearnThenTest(.9, .1, test, LearnThenTest.Aim.MOST_HIDDEN)
            .choose(grid, decisions(examples));
  }

  @Test
  void sparingGenerationsIsAnotherAim() {
    List<GateExample> examples = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      examples.add(new GateExample(.02, .05, false));
      examples.add(new GateExample(.5, .05, false));
    }
    CascadeRule early = new CascadeRule(new GateThresholds(.5, .1, 0), true);
    CascadeRule late = new CascadeRule(new GateThresholds(0, 0, .1), true);
    GateGrid grid = new GateGrid(List.of(early, late));
    for (LearnThenTest.Aim aim : LearnThenTest.Aim.values()) {
      CertifiedGate.Certified found =
          (CertifiedGate.Certified)
              new LearnThenTest(.9, .1, new Holm(), aim).choose(grid, decisions(examples));
      assertThat(found.rule())
          .isEqualTo(
              switch (aim) {
                case MOST_HIDDEN -> late;
                case MOST_NOT_GENERATED -> early;
              });
    }
  }

  @Test
  void sequencesByHand() {
    double[] pValues = {.04, .2, .03, .04, .9, .01};
    assertThat(new FixedSequence(1).reject(pValues, .1))
        .containsExactly(true, false, false, false, false, false);
    // from 0, 2 and 4 at .1/3 = .033: .04 fails, .03 passes and then .04 fails, .9 fails
    assertThat(new FixedSequence(3).reject(pValues, .1))
        .containsExactly(false, false, true, false, false, false);
    // .01 ≤ .1/6, .03 > .1/5
    assertThat(new Holm().reject(pValues, .1))
        .containsExactly(false, false, false, false, false, true);
    // .01 ≤ .2/6, .03 ≤ .2/5, .04 ≤ .2/4, .04 ≤ .2/3, .2 > .2/2
    assertThat(new Holm().reject(pValues, .2))
        .containsExactly(true, false, true, true, false, true);
  }

  @Test
  void aTrueHypothesisIsHardlyEverRejected() {
    // 20 hypotheses, every second true, all with the same noise: errors at most α
    for (MultipleTest test : tests().toList()) {
      SplittableRandom random = new SplittableRandom(31);
      int wrong = 0;
      for (int trial = 0; trial < 2_000; trial++) {
        double shared = random.nextDouble();
        double[] pValues = new double[20];
        for (int i = 0; i < 20; i++) {
          double own = random.nextInt(2) == 0 ? shared : random.nextDouble();
          pValues[i] = i % 2 == 0 ? own / 1_000 : own;
        }
        boolean[] rejected = test.reject(pValues, .1);
        boolean erred = false;
        for (int i = 1; i < 20; i += 2) {
          erred |= rejected[i];
        }
        wrong += erred ? 1 : 0;
      }
      assertThat(wrong).as(test.toString()).isLessThanOrEqualTo(Binomials.most(2_000, .1));
    }
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new FixedSequence(0))
        .withMessage("starts: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Holm().reject(new double[] {.1, 1.5}, .1))
        .withMessage("pValues[1]: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new LearnThenTest(1, .1, new Holm(), LearnThenTest.Aim.MOST_HIDDEN))
        .withMessage("targetAccuracy: 1.0 (expected: above 0, below 1)");
  }
}
