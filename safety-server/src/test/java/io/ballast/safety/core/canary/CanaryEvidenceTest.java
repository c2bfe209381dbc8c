package io.ballast.safety.core.canary;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.safety.core.canary.Observation.Kind;
import java.time.Duration;
import java.util.SplittableRandom;
import java.util.UUID;
import org.apache.commons.statistics.distribution.BinomialDistribution;
import org.junit.jupiter.api.Test;

/** Whoever looks after every decision alarms falsely with probability at most α. */
class CanaryEvidenceTest {
  private static final double LIMIT = .1;
  private static final double MARGIN = .05;
  private static final double ALPHA = .1;
  private static final CanaryTerms TERMS =
      new CanaryTerms(
          new PinnedVersion("java-cost", "2", "2".repeat(64)),
          "",
          false,
          LIMIT,
          MARGIN,
          ALPHA,
          50,
          Duration.ofDays(1),
          WhenHeld.REPORT,
          Duration.ZERO,
          Duration.ofMinutes(15));
  private static final int TRIALS = 200;
  private static final int ROUNDS = 200;

  private static Observation cost(double value) {
    return new Observation(Kind.COST, Arm.CANARY, new UUID(0, 0), value, false);
  }

  private static Observation answer(Arm arm, boolean taken) {
    return new Observation(Kind.ACCEPT, arm, new UUID(0, 0), taken ? 1 : 0, false);
  }

  private static CanaryEvidence none() {
    return CanaryEvidence.none(TERMS);
  }

  @Test
  void oneCostByHand() {
    // λ₁ = min(√(2·ln 20/(.25·ln 2)), .75/.1) = min(5.880, 7.5); ln(1 + 5.880·(.6 − .1)) = 1.372
    // the other side bets on 1 − .6 over .9: λ₁ = .75/.9 = .8333; ln(1 + .8333·(.4 − .9)) = −.539
    CanaryEvidence one = none().add(cost(.6));
    assertThat(one.over().running().getFirst().test().logWealth()).isCloseTo(1.3716, within(1e-3));
    assertThat(one.under().logWealth()).isCloseTo(Math.log(1 - .8333333333 * .5), within(1e-6));
    assertThat(one.numbers().cost().mean()).isCloseTo(.6, within(1e-12));
    assertThat(one.numbers().cost().count()).isEqualTo(1);
    assertThat(one.count()).isEqualTo(1);
  }

  @Test
  void onePairByHand() {
    // taken beside rejected: d = (1 + 1 − 0)/2 = 1; λ = .75/.525: ln(1 + 1.42857·.475) = .5180
    CanaryEvidence pair = none().add(answer(Arm.CONTROL, true)).add(answer(Arm.CANARY, false));
    assertThat(pair.pairs().worse().running().getFirst().test().logWealth())
        .isCloseTo(.5180, within(1e-4));
    assertThat(pair.numbers().shortfall().mean()).isEqualTo(1);
    assertThat(pair.numbers().canaryAccept().mean()).isZero();
    assertThat(pair.numbers().controlAccept().mean()).isEqualTo(1);
    CanaryEvidence other = none().add(answer(Arm.CANARY, false)).add(answer(Arm.CONTROL, true));
    assertThat(other.pairs().worse()).as("the order is nothing").isEqualTo(pair.pairs().worse());
    CanaryEvidence better = none().add(answer(Arm.CONTROL, false)).add(answer(Arm.CANARY, true));
    assertThat(better.numbers().shortfall().mean()).isEqualTo(-1);
  }

  @Test
  void anAnswerIsPairedWithTheLatestOfTheOtherArm() {
    CanaryEvidence seen =
        none()
            .add(answer(Arm.CONTROL, false))
            .add(answer(Arm.CONTROL, true))
            .add(answer(Arm.CANARY, true));
    assertThat(seen.numbers().shortfall().mean()).as("both were taken").isZero();
    assertThat(seen.pairs().waiting()).containsExactly(0.0);
    assertThat(seen.add(answer(Arm.CANARY, true)).numbers().shortfall().mean())
        .as("the second with the older one, which was not")
        .isEqualTo(-.5);
  }

  @Test
  void noMoreThanFourAnswersWait() {
    CanaryEvidence seen = none().add(answer(Arm.CONTROL, false));
    for (int i = 0; i < 70; i++) {
      seen = seen.add(answer(Arm.CONTROL, true));
    }
    assertThat(seen.pairs().waiting()).hasSize(4).doesNotContain(0.0);
    assertThat(seen.numbers().controlAccept().count()).as("all are told").isEqualTo(71);
  }

  @Test
  void aLimitOfZeroIsBrokenByAnyCostThatStays() {
    CanaryTerms strict =
        new CanaryTerms(
            TERMS.judge(),
            "",
            false,
            0,
            0,
            ALPHA,
            1,
            TERMS.horizon(),
            WhenHeld.REPORT,
            Duration.ZERO,
            TERMS.maxBlind());
    CanaryEvidence seen = CanaryEvidence.none(strict);
    for (int i = 0; i < 500; i++) {
      seen = seen.add(cost(0));
    }
    assertThat(seen.verdict(strict, false)).isEqualTo(CanaryVerdict.UNDECIDED);
    for (int i = 0; i < 100; i++) {
      seen = seen.add(cost(.05));
    }
    assertThat(seen.verdict(strict, false)).isEqualTo(CanaryVerdict.COST_OVER_LIMIT);
  }

  /** At the very edge of both limits, where a false alarm is likeliest. */
  @Test
  void aCanaryWithinItsLimitsIsHardlyEverRolledBackHoweverOftenOneLooks() {
    SplittableRandom random = new SplittableRandom(307);
    int alarms = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      alarms += alarmedAfter(random, LIMIT, .4, .4 - MARGIN, 0) < ROUNDS ? 1 : 0;
    }
    assertThat(alarms).isLessThanOrEqualTo(most(TRIALS, ALPHA)).isPositive();
  }

  /** A rate that goes up and down for both arms is no difference between them. */
  @Test
  void whatChangesForBothArmsIsNoAlarm() {
    SplittableRandom random = new SplittableRandom(311);
    int alarms = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      alarms += alarmedAfter(random, LIMIT / 2, .5, .5, .4) < ROUNDS ? 1 : 0;
    }
    assertThat(alarms).isLessThanOrEqualTo(most(TRIALS, ALPHA));
  }

  /** The control's people work by day, the canary's by night, when everybody takes less. */
  @Test
  void oneNightOfTheOtherArmIsNoAlarm() {
    SplittableRandom random = new SplittableRandom(312);
    for (int trial = 0; trial < TRIALS; trial++) {
      CanaryEvidence seen = none();
      for (int day = 0; day < 200; day++) {
        seen = seen.add(answer(Arm.CONTROL, random.nextDouble() < .9));
      }
      for (int night = 0; night < 200; night++) {
        seen = seen.add(answer(Arm.CANARY, random.nextDouble() < .3));
      }
      assertThat(seen.pairs().shortfall().count()).isEqualTo(4);
      assertThat(seen.verdict(TERMS, false)).isEqualTo(CanaryVerdict.UNDECIDED);
    }
  }

  @Test
  void aCanaryThatHarmsIsCaught() {
    SplittableRandom random = new SplittableRandom(313);
    double harmful = 0;
    double disliked = 0;
    for (int trial = 0; trial < 50; trial++) {
      harmful += alarmedAfter(random, .3, .4, .4, 0) / 50.0;
      disliked += alarmedAfter(random, .02, .6, .2, 0) / 50.0;
    }
    assertThat(harmful).isLessThan(100);
    assertThat(disliked).isLessThan(200);
  }

  @Test
  void harmThatBeginsLateIsSeenToo() {
    SplittableRandom random = new SplittableRandom(317);
    CanaryEvidence seen = none();
    for (int i = 0; i < 1_000; i++) {
      seen = seen.add(cost(.01));
    }
    assertThat(seen.verdict(TERMS, false).breach()).isFalse();
    int later = 0;
    while (!seen.verdict(TERMS, false).breach()) {
      seen = seen.add(cost(random.nextDouble() < .5 ? 1 : 0));
      later++;
    }
    assertThat(later).isLessThan(60);
  }

  @Test
  void oneOverItsLimitIsHardlyEverHeld() {
    SplittableRandom random = new SplittableRandom(331);
    int held = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      CanaryEvidence seen = none();
      boolean ever = false;
      for (int t = 0; t < ROUNDS; t++) {
        seen = round(seen, random, LIMIT, .5, .9);
        ever |= seen.under().rejects();
      }
      held += ever ? 1 : 0;
    }
    assertThat(held).isLessThanOrEqualTo(most(TRIALS, ALPHA / 2));
  }

  /** Returns after how many rounds it is alarmed about; {@link #ROUNDS} if it is not. */
  private static int alarmedAfter(
      SplittableRandom random, double cost, double control, double canary, double swing) {
    CanaryEvidence seen = none();
    for (int t = 0; t < ROUNDS; t++) {
      double now = swing * Math.sin(t / 25.0);
      seen = round(seen, random, cost, control + now, canary + now);
      if (seen.verdict(TERMS, false).breach()) {
        return t;
      }
    }
    return ROUNDS;
  }

  /** A cost and an answer of the canary, and three answers of the control. */
  private static CanaryEvidence round(
      CanaryEvidence before, SplittableRandom random, double cost, double control, double canary) {
    CanaryEvidence seen = before.add(cost(random.nextDouble() < cost ? 1 : 0));
    for (int i = 0; i < 3; i++) {
      seen = seen.add(answer(Arm.CONTROL, random.nextDouble() < control));
    }
    return seen.add(answer(Arm.CANARY, random.nextDouble() < canary));
  }

  /** The most times that 99 % of samples keep to if each has this rate. */
  private static int most(int trials, double rate) {
    return BinomialDistribution.of(trials, rate).inverseCumulativeProbability(.99);
  }
}
