package io.ballast.rl.bandit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bandit.OffPolicyEstimate.Estimated;
import io.ballast.rl.bandit.OffPolicyEstimate.TooLittle;
import io.ballast.rl.bound.Interval;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** What a candidate gate would earn is read from the log of another. */
class OffPolicyTest {
  private static final OffPolicy LENIENT = new OffPolicy(2, .95);

  @Test
  void fourDecisionsByHand() {
    // weights 2, 0, 1, 1: Σw 4, Σw² 6, effective 16/6; rewards 1, 1, 0, 1
    List<LoggedDecision> log =
        List.of(
            new LoggedDecision("a", .5, 1, 1, .5, .75),
            new LoggedDecision("b", .5, 1, 0, .5, .25),
            new LoggedDecision("c", 1, 0, 1, .25, .25),
            new LoggedDecision("d", 1, 1, 1, .5, .5));
    Estimated plain = estimated(LENIENT.inversePropensity(log));
    assertThat(plain.value().estimate()).isCloseTo((2 + 1) / 4.0, within(1e-12));
    assertThat(plain.effectiveSize()).isCloseTo(16 / 6.0, within(1e-12));
    assertThat(plain.meanWeight().estimate()).isEqualTo(1);
    assertThat(estimated(LENIENT.selfNormalised(log)).value().estimate())
        .isCloseTo(3 / 4.0, within(1e-12));
    // .75 + 2·.5, .25, .25 − .25, .5 + .5
    assertThat(estimated(LENIENT.doublyRobust(log)).value().estimate())
        .isCloseTo((1.75 + .25 + 0 + 1) / 4, within(1e-12));
  }

  @Test
  void theCandidateThatLoggedIsItsOwnMean() {
    SplittableRandom random = new SplittableRandom(1);
    List<LoggedDecision> log = new ArrayList<>();
    double sum = 0;
    for (int i = 0; i < 100; i++) {
      double reward = random.nextDouble();
      sum += reward;
      log.add(LoggedDecision.unmodelled(i, .3, reward, .3));
    }
    for (OffPolicyEstimate estimate :
        List.of(
            LENIENT.inversePropensity(log),
            LENIENT.selfNormalised(log),
            LENIENT.doublyRobust(log))) {
      assertThat(estimated(estimate).value().estimate()).isCloseTo(sum / 100, within(1e-12));
      assertThat(estimate.effectiveSize()).isCloseTo(100, within(1e-9));
    }
  }

  @Test
  void aModelThatKnowsNothingIsInversePropensityAndOneThatKnowsAllNeedsNoWeights() {
    List<LoggedDecision> nothing = gateLog(new SplittableRandom(3), 50, 4, Knowledge.NOTHING);
    assertThat(LENIENT.doublyRobust(nothing)).isEqualTo(LENIENT.inversePropensity(nothing));
    List<LoggedDecision> exact = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      exact.add(new LoggedDecision(i, .1, i % 5, .9, i % 5, 2));
    }
    assertThat(estimated(LENIENT.doublyRobust(exact)).value())
        .isEqualTo(new Interval(2, 2, 2, .95));
  }

  @Test
  void rewardsThatAreShiftedShiftWhatIsNormalised() {
    List<LoggedDecision> log = gateLog(new SplittableRandom(4), 50, 4, Knowledge.NOTHING);
    List<LoggedDecision> shifted =
        log.stream()
            .map(
                each ->
                    LoggedDecision.unmodelled(
                        each.cluster(), each.propensity(), each.reward() + 7, each.candidate()))
            .toList();
    assertThat(estimated(LENIENT.selfNormalised(shifted)).value().estimate())
        .isCloseTo(estimated(LENIENT.selfNormalised(log)).value().estimate() + 7, within(1e-9));
  }

  private enum Knowledge {
    NOTHING,
    ROUGH
  }

  /**
   * A display gate's log. Users accept more or less; each decision has a p. The logging gate hides
   * below .4 and explores a fifth of it; the candidate hides below .3 and explores a tenth. A
   * decision earns 1 if shown and accepted.
   */
  private static List<LoggedDecision> gateLog(
      SplittableRandom random, int users, int each, Knowledge knowledge) {
    List<LoggedDecision> log = new ArrayList<>();
    for (int user = 0; user < users; user++) {
      double taste = .7 + .6 * random.nextDouble();
      for (int i = 0; i < each; i++) {
        double p = random.nextDouble();
        double logs = p < .4 ? .2 : 1;
        double candidate = p < .3 ? .1 : 1;
        boolean shown = random.nextDouble() < logs;
        boolean accepted = random.nextDouble() < Math.min(1, p * taste);
        double expected = knowledge == Knowledge.ROUGH ? p * .8 : 0;
        log.add(
            new LoggedDecision(
                user,
                shown ? logs : 1 - logs,
                shown && accepted ? 1 : 0,
                shown ? candidate : 1 - candidate,
                shown ? expected : 0,
                candidate * expected));
      }
    }
    return log;
  }

  /** What the candidate earns, by drawing its own decisions. */
  private static double truth() {
    SplittableRandom random = new SplittableRandom(99);
    double earned = 0;
    int draws = 2_000_000;
    for (int i = 0; i < draws; i++) {
      double taste = .7 + .6 * random.nextDouble();
      double p = random.nextDouble();
      earned += (p < .3 ? .1 : 1) * Math.min(1, p * taste);
    }
    return earned / draws;
  }

  @Test
  void intervalsCoverTheTruth() {
    double truth = truth();
    int trials = 400;
    int[] covered = new int[3];
    double[] width = new double[3];
    for (int trial = 0; trial < trials; trial++) {
      List<LoggedDecision> log =
          gateLog(new SplittableRandom(7_000 + trial), 60, 10, Knowledge.ROUGH);
      List<OffPolicyEstimate> estimates =
          List.of(
              OffPolicy.standard().inversePropensity(log),
              OffPolicy.standard().selfNormalised(log),
              OffPolicy.standard().doublyRobust(log));
      for (int k = 0; k < 3; k++) {
        Interval value = estimated(estimates.get(k)).value();
        covered[k] += value.contains(truth) ? 1 : 0;
        width[k] += value.high() - value.low();
      }
    }
    for (int count : covered) {
      // 400 at .95: 99 % lie within 367 and 391; a little less is what the linearisation costs
      assertThat(count).isBetween(362, 395);
    }
    assertThat(width[2]).as("a model narrows").isLessThan(.98 * width[0]);
  }

  @Test
  void rowsThatAreRepeatedDoNotNarrow() {
    List<LoggedDecision> once = gateLog(new SplittableRandom(11), 40, 1, Knowledge.NOTHING);
    List<LoggedDecision> often = new ArrayList<>();
    Collections.nCopies(5, once).forEach(often::addAll);
    Interval one = estimated(LENIENT.selfNormalised(once)).value();
    Interval many = estimated(LENIENT.selfNormalised(often)).value();
    assertThat(many.low()).isCloseTo(one.low(), within(1e-9));
    assertThat(many.high()).isCloseTo(one.high(), within(1e-9));
  }

  @Test
  void aLogThatSaysTooLittleIsAResult() {
    // 1,000 decisions of which 25 were explored, each weighing 40
    List<LoggedDecision> log = new ArrayList<>();
    for (int i = 0; i < 1_000; i++) {
      log.add(
          i < 25
              ? LoggedDecision.unmodelled(i, .025, 1, 1)
              : LoggedDecision.unmodelled(i, .975, 0, 0));
    }
    assertThat(OffPolicy.standard().inversePropensity(log)).isEqualTo(new TooLittle(25, 25));
    List<LoggedDecision> never = List.of(LoggedDecision.unmodelled("a", .5, 1, 0));
    assertThat(LENIENT.selfNormalised(never)).isEqualTo(new TooLittle(0, 0));
    List<LoggedDecision> oneUser = Collections.nCopies(90, LoggedDecision.unmodelled("a", 1, 1, 1));
    assertThat(LENIENT.selfNormalised(oneUser)).isEqualTo(new TooLittle(90, 1));
  }

  private static Estimated estimated(OffPolicyEstimate estimate) {
    assertThat(estimate).isInstanceOf(Estimated.class);
    return (Estimated) estimate;
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LoggedDecision.unmodelled("a", 0, 1, 1))
        .withMessageStartingWith("propensity: 0.0");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LENIENT.inversePropensity(List.of()))
        .withMessage("log: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> LENIENT.selfNormalised(List.of()))
        .withMessage("log: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OffPolicy(1, .95))
        .withMessageStartingWith("leastEffectiveSize: 1.0");
  }
}
