package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The display gate withholds what will most likely be rejected, and says why. */
class DisplayGateTest {
  private static final GateThresholds THRESHOLDS = new GateThresholds(.5, .2, .3);
  private static final DisplayGate GATE = new DisplayGate(new CascadeRule(THRESHOLDS, false), 0);
  private static final DisplayGate EXPLORING =
      new DisplayGate(new CascadeRule(THRESHOLDS, false), .1);

  @ParameterizedTest
  @CsvSource({".5, 1", ".1, .468996", ".25, .811278", "0, 0", "1, 0"})
  void entropyOfAYesOrNoQuestion(double p, double bits) {
    assertThat(BinaryEntropy.bits(p)).isCloseTo(bits, within(1e-6));
    assertThat(BinaryEntropy.bits(1 - p)).isCloseTo(bits, within(1e-6));
  }

  @ParameterizedTest
  @CsvSource({
    ".05, WITHHOLD, CONTEXT_LIKELY_REJECTED", // H = .286: sure, and below .2
    "0, WITHHOLD, CONTEXT_LIKELY_REJECTED",
    ".95, PASS, CONTEXT_LIKELY_ACCEPTED", // sure, and above
    "1, PASS, CONTEXT_LIKELY_ACCEPTED",
    ".5, REFER, CONTEXT_UNCERTAIN",
    ".15, REFER, CONTEXT_UNCERTAIN" // H = .61: below the threshold, but not sure
  })
  void stageOne(double p, GateOutcome outcome, GateReason reason) {
    GateDecision decision = GATE.decideGeneration(p, .99);
    assertThat(decision.outcome()).isEqualTo(outcome);
    assertThat(decision.reason()).isEqualTo(reason);
    assertThat(decision.propensity()).isEqualTo(1);
    assertThat(decision.lets()).isEqualTo(outcome != GateOutcome.WITHHOLD);
    assertThat(decision.referEntropyBits()).isEqualTo(.5);
  }

  @ParameterizedTest
  @CsvSource({
    ".299, WITHHOLD, SUGGESTION_LIKELY_REJECTED",
    ".3, PASS, SUGGESTION_LIKELY_ACCEPTED",
    ".9, PASS, SUGGESTION_LIKELY_ACCEPTED"
  })
  void stageTwo(double p, GateOutcome outcome, GateReason reason) {
    GateDecision decision = GATE.decideDisplay(p, .99);
    assertThat(decision.outcome()).isEqualTo(outcome);
    assertThat(decision.reason()).isEqualTo(reason);
    assertThat(decision.threshold()).isEqualTo(.3);
    assertThat(decision.referEntropyBits()).isEqualTo(0);
  }

  @Test
  void explorationLetsAKnownShareThrough() {
    GateDecision explored = EXPLORING.decideDisplay(.1, .05);
    assertThat(explored.outcome()).isEqualTo(GateOutcome.EXPLORE);
    assertThat(explored.reason()).isEqualTo(GateReason.EXPLORATION);
    assertThat(explored.propensity()).isEqualTo(.1);
    GateDecision withheld = EXPLORING.decideDisplay(.1, .1);
    assertThat(withheld.outcome()).isEqualTo(GateOutcome.WITHHOLD);
    assertThat(withheld.propensity()).isEqualTo(.9);
    assertThat(EXPLORING.decideDisplay(.9, .05).propensity()).as("passes anyway").isEqualTo(1);
  }

  @Test
  void propensitiesAreTheFrequencies() {
    SplittableRandom random = new SplittableRandom(5);
    int explored = 0;
    for (int i = 0; i < 20_000; i++) {
      GateDecision decision = EXPLORING.decideGeneration(.05, random.nextDouble());
      explored += decision.outcome() == GateOutcome.EXPLORE ? 1 : 0;
    }
    assertThat(explored / 20_000.0).isCloseTo(.1, within(.01));
  }

  @Test
  void whoGetsASecondLook() {
    DisplayGate always = new DisplayGate(new CascadeRule(THRESHOLDS, true), 0);
    assertThat(GATE.needsSecondLook(GateOutcome.REFER)).isTrue();
    assertThat(GATE.needsSecondLook(GateOutcome.PASS)).isFalse();
    assertThat(always.needsSecondLook(GateOutcome.PASS)).isTrue();
    assertThat(always.needsSecondLook(GateOutcome.EXPLORE)).as("shown unseen").isFalse();
    assertThat(always.needsSecondLook(GateOutcome.WITHHOLD)).isFalse();
  }

  @Test
  void propensityOfAWayIsTheProduct() {
    GateDecision first = EXPLORING.decideGeneration(.5, .5);
    GateDecision second = EXPLORING.decideDisplay(.1, .5);
    assertThat(DisplayGate.propensity(first, second)).isEqualTo(.9);
  }

  @Test
  void anOpenGateWithholdsNothing() {
    DisplayGate open = new DisplayGate(CascadeRule.open(), 0);
    for (double p = 0; p <= 1; p += .05) {
      assertThat(open.decideGeneration(p, .5).lets()).isTrue();
      assertThat(open.decideDisplay(p, .5).lets()).isTrue();
    }
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GATE.decideDisplay(1.5, .5))
        .withMessage("acceptProbability: 1.5 (expected: 0.0 to 1.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> GATE.decideDisplay(.5, 1))
        .withMessage("draw: 1.0 (expected: >= 0, below 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateThresholds(0, Double.NaN, 0))
        .withMessage("stageOne: NaN (expected: 0.0 to 1.0)");
  }
}
