package io.ballast.rl.gate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.bound.ProportionBounds;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** One rule says what is hidden, and what it did to known outcomes is counted. */
class CascadeRuleTest {
  // H(.2) = .722, H(.1) = .469, H(.95) = .286: sure below .7 bits
  private static final GateThresholds LINES = new GateThresholds(.7, .15, .3);

  @ParameterizedTest
  @CsvSource({
    ".1, .9, true, true", // surely rejected: stage 2 is not asked
    ".95, .9, false, false",
    ".95, .1, false, true", // surely accepted by stage 1, not by stage 2
    ".5, .1, true, true", // referred
    ".5, .9, false, false"
  })
  void whatIsHiddenDependsOnTheReading(
      double one, double two, boolean hidden, boolean hiddenBySecondLook) {
    GateExample example = new GateExample(one, two, false);
    assertThat(new CascadeRule(LINES, false).hides(example)).isEqualTo(hidden);
    assertThat(new CascadeRule(LINES, true).hides(example)).isEqualTo(hiddenBySecondLook);
  }

  @Test
  void theGateWalksTheRule() {
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 2_000; i++) {
      CascadeRule rule =
          new CascadeRule(
              new GateThresholds(random.nextDouble(), random.nextDouble(), random.nextDouble()),
              random.nextBoolean());
      GateExample example = new GateExample(random.nextDouble(), random.nextDouble(), false);
      DisplayGate gate = new DisplayGate(rule, 0);
      GateDecision first = gate.decideGeneration(example.stageOne(), .5);
      boolean shown =
          gate.needsSecondLook(first.outcome())
              ? gate.decideDisplay(example.stageTwo(), .5).lets()
              : first.lets();
      assertThat(rule.hides(example)).isEqualTo(!shown);
    }
  }

  @Test
  void countsByHand() {
    List<GateExample> examples =
        List.of(
            new GateExample(.1, .9, true),
            new GateExample(.1, .1, false),
            new GateExample(.5, .1, false),
            new GateExample(.95, .1, true),
            new GateExample(.95, .9, true));
    assertThat(GateCounts.of(new CascadeRule(LINES, false), examples))
        .isEqualTo(new GateCounts(5, 3, 1, 2, 1));
    assertThat(GateCounts.of(new CascadeRule(LINES, true), examples))
        .isEqualTo(new GateCounts(5, 4, 2, 2, 3));
    assertThat(GateCounts.of(CascadeRule.open(), examples))
        .isEqualTo(new GateCounts(5, 0, 0, 0, 5));
  }

  @Test
  void pValuesByHand() {
    // P[Bin(2, .2) ≤ 0] = .64, ≤ 1: .96
    assertThat(new GateCounts(9, 2, 0, 0, 9).pValue(.8)).isCloseTo(.64, within(1e-12));
    assertThat(new GateCounts(9, 2, 1, 0, 9).pValue(.8)).isCloseTo(.96, within(1e-12));
    assertThat(new GateCounts(9, 0, 0, 0, 9).pValue(.8)).as("nothing is no proof").isEqualTo(1);
    assertThat(new GateCounts(9, 0, 0, 0, 9).lowerAccuracy(.1)).isEqualTo(0);
  }

  @Test
  void aPValueIsClopperAndPearsonsBoundInverted() {
    SplittableRandom random = new SplittableRandom(5);
    for (int i = 0; i < 500; i++) {
      int hidden = 1 + random.nextInt(200);
      int accepted = random.nextInt(Math.min(hidden, 30) + 1);
      GateCounts counts = new GateCounts(300, hidden, accepted, 0, 300);
      double bound = ProportionBounds.clopperPearsonLower(hidden - accepted, hidden, .05);
      assertThat(counts.pValue(.9) <= .05).isEqualTo(bound >= .9);
      assertThat(counts.lowerAccuracy(.05)).isEqualTo(bound);
    }
  }

  @Test
  void aGridHasItsRulesOnceSafestFirst() {
    List<GateExample> examples = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 300; i++) {
      double p = random.nextDouble();
      examples.add(new GateExample(Math.sqrt(p), p, random.nextDouble() < p));
    }
    GateGrid grid =
        GateGrid.of(
            examples, new double[] {0, .5}, new double[] {0, .2, .4}, List.of(true, false), .9);
    // referring everything leaves stage 1 no line and the readings the same: 3 + 3, else 2·9
    assertThat(grid.rules()).hasSize(24);
    double before = 0;
    for (CascadeRule rule : grid.rules()) {
      double pValue = GateCounts.of(rule, examples).pValue(.9);
      assertThat(pValue).isGreaterThanOrEqualTo(before);
      before = pValue;
    }
    assertThat(before).as("hiding nothing is last").isEqualTo(1);
  }

  @Test
  void badInputIsNamed() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateCounts(5, 6, 0, 0, 0))
        .withMessage("hidden: 6.0 (expected: 0.0 to 5.0)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateGrid(List.of()))
        .withMessage("rules: 0 (expected: >= 1)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateGrid(List.of(CascadeRule.open(), CascadeRule.open())))
        .withMessageContaining("distinct rules");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new GateGuarantee(.9, .1, GateGuarantee.Unit.GROUP, 3, 2, 0, .05))
        .withMessage("hidden: 2 (expected: >= 3)");
  }
}
