package io.ballast.rl.bound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.Binomials;
import io.ballast.rl.sample.Numbers;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** Whoever looks after every value is deceived with probability at most α. */
class ConfidenceSequenceTest {
  private static final int TRIALS = 400;
  private static final int LONGEST = 300;

  @Test
  void theFirstTwoValuesByHand() {
    // λ₁ = min(√(2·ln 10/(.25·1·ln 2)), .75/.5) = min(5.155, 1.5); 1 + 1.5·(1 − .5) = 1.75; then
    // μ̂₁ = 1.5/2 = .75, σ̂²₁ = (.25 + .0625)/2 = .15625; λ₂ = 1.5 again; 1.75·(1 − .75) = .4375
    BettingTest first = BettingTest.of(.5, .1).add(1);
    assertThat(first.logWealth()).isCloseTo(Math.log(1.75), within(1e-12));
    assertThat(first.seen().mean()).isEqualTo(.75);
    assertThat(first.seen().variance()).isEqualTo(.15625);
    BettingTest second = first.add(0);
    assertThat(second.logWealth()).isCloseTo(Math.log(.4375), within(1e-12));
    assertThat(second.pValue()).as("of the richest moment").isCloseTo(1 / 1.75, within(1e-12));
    assertThat(second.rejects()).isFalse();
  }

  @Test
  void fiveHarmsInARowRefuteALowMean() {
    // m = .05: the stake is at most .75/.05 = 15 and at first 5.155: 1 + 5.155·.95 = 5.897 < 10
    BettingTest test = BettingTest.of(.05, .1).add(1);
    assertThat(test.rejects()).isFalse();
    assertThat(test.pValue()).isCloseTo(1 / 5.897, within(1e-4));
    assertThat(test.add(1).rejects()).isTrue();
    assertThat(test.add(1).add(0).add(0).add(0).rejects()).as("for ever").isTrue();
  }

  @Test
  void aTrueMeanIsHardlyEverRefutedHoweverOftenOneLooks() {
    SplittableRandom random = new SplittableRandom(211);
    int test = 0;
    int sequence = 0;
    int looks = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      BettingTest atMost = BettingTest.of(.1, .1);
      ConfidenceSequence both = ConfidenceSequence.of(.1, 40);
      boolean outside = false;
      boolean deceived = false;
      double sum = 0;
      for (int t = 1; t <= LONGEST; t++) {
        double value = random.nextDouble() < .1 ? 1 : 0;
        atMost = atMost.add(value);
        both = both.add(value);
        outside |= !(both.lower() <= .1 && .1 <= both.upper());
        sum += value;
        // one look of a fixed-n bound after each value
        deceived |= ProportionBounds.clopperPearsonLower((int) sum, t, .1) > .1;
      }
      test += atMost.rejects() ? 1 : 0;
      sequence += outside ? 1 : 0;
      looks += deceived ? 1 : 0;
    }
    assertThat(test).isLessThanOrEqualTo(Binomials.most(TRIALS, .1));
    assertThat(sequence).isLessThanOrEqualTo(Binomials.most(TRIALS, .1));
    assertThat(looks).as("a bound of one look").isGreaterThan(Binomials.most(TRIALS, .1));
  }

  @Test
  void aDriftBelowTheMeanDoesNotDeceiveTheTest() {
    // the mean wanders between 0 and .3, never over it: each next value is at most .3 on average
    SplittableRandom random = new SplittableRandom(223);
    int rejected = 0;
    for (int trial = 0; trial < TRIALS; trial++) {
      BettingTest test = BettingTest.of(.3, .1);
      for (int t = 0; t < LONGEST; t++) {
        double mean = .15 + .15 * Math.sin(t / 20.0);
        test = test.add(random.nextDouble() < mean ? 1 : 0);
      }
      rejected += test.rejects() ? 1 : 0;
    }
    assertThat(rejected).isLessThanOrEqualTo(Binomials.most(TRIALS, .1));
  }

  @Test
  void aBreachIsSeenSoonAndAWorseOneSooner() {
    SplittableRandom random = new SplittableRandom(227);
    double little = 0;
    double much = 0;
    for (int trial = 0; trial < 50; trial++) {
      little += valuesUntilBreach(random, .3) / 50.0;
      much += valuesUntilBreach(random, .6) / 50.0;
    }
    assertThat(little).isLessThan(150);
    assertThat(much).isLessThan(little / 2);
  }

  private static int valuesUntilBreach(SplittableRandom random, double rate) {
    BettingTest test = BettingTest.of(.1, .05);
    int seen = 0;
    while (!test.rejects()) {
      test = test.add(random.nextDouble() < rate ? 1 : 0);
      seen++;
    }
    return seen;
  }

  @Test
  void theLinesOfTheSequenceAreTestsFromEitherSide() {
    SplittableRandom random = new SplittableRandom(229);
    ConfidenceSequence sequence = ConfidenceSequence.of(.2, 20);
    BettingTest[] above = new BettingTest[20];
    BettingTest[] below = new BettingTest[20];
    for (int j = 1; j < 20; j++) {
      above[j] = BettingTest.of(j / 20.0, .1);
      below[j] = BettingTest.of(1 - j / 20.0, .1);
    }
    for (int t = 0; t < 400; t++) {
      double value = random.nextDouble() * .5;
      sequence = sequence.add(value);
      int refuted = 0;
      int refutedAbove = 20;
      for (int j = 1; j < 20; j++) {
        above[j] = above[j].add(value);
        below[j] = below[j].add(1 - value);
        refuted = above[j].rejects() ? Math.max(refuted, j) : refuted;
        refutedAbove = below[j].rejects() ? Math.min(refutedAbove, j) : refutedAbove;
      }
      assertThat(sequence.lower()).isEqualTo(refuted / 20.0);
      assertThat(sequence.upper()).isEqualTo(refutedAbove / 20.0);
    }
    assertThat(sequence.lower()).isGreaterThan(.1);
    assertThat(sequence.upper()).isLessThan(.4);
    assertThat(sequence.empty()).isFalse();
  }

  @Test
  void aStreamThatHasNoOneMeanIsSeen() {
    ConfidenceSequence sequence = ConfidenceSequence.of(.1, 50);
    for (int t = 0; t < 400; t++) {
      sequence = sequence.add(t < 200 ? 0 : 1);
    }
    assertThat(sequence.empty()).isTrue();
    assertThat(sequence.add(.5).empty()).as("for ever").isTrue();
  }

  @Test
  void theStateIsAllThereIs() {
    ConfidenceSequence sequence = ConfidenceSequence.of(.1, 10).add(.2).add(.9);
    ConfidenceSequence restored =
        new ConfidenceSequence(
            sequence.alpha(),
            new StreamMoments(2, sequence.seen().sum(), sequence.seen().squares()),
            Numbers.of(sequence.above().toArray()),
            Numbers.of(sequence.below().toArray()),
            sequence.lowest(),
            sequence.highest());
    assertThat(restored.add(.4)).isEqualTo(sequence.add(.4));
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConfidenceSequence.of(.1, 10).add(1.5))
        .withMessage("value: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ConfidenceSequence.of(.1, 0))
        .withMessage("steps: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingTest.of(0, .1))
        .withMessage("mean: 0.0 (expected: above 0, below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> BettingTest.of(.5, .1).add(Double.NaN))
        .withMessage("value: NaN (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new StreamMoments(1, 2, 0))
        .withMessage("sum: 2.0 (expected: 0.0 to 1.0)");
  }
}
