package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.run.ConstraintStep.TestToCome;
import io.ballast.orchestrator.core.spec.ConstraintMethod;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.ConstraintSpec.MultiplierKind;
import io.ballast.orchestrator.core.spec.ModelRef;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.rl.constraint.Staleness;
import io.ballast.rl.constraint.TaggedCost;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

/** The price of harm in one iteration, by each method. */
class ConstraintStepTest {
  private static final double[] COSTS = {-1.2, -.4, .3, -2, -.9, .1, -1.5, -.7, -.2, -1.1};
  private static final TestToCome TEST = new TestToCome(.1, 100, BoundMethod.STUDENT_T);
  private static final ConstraintState START = new ConstraintState("harm", 1, List.of());

  /** A constraint at target 0, λ from 1 in steps of .1 in the logarithm, at most 5. */
  static ConstraintSpec spec(ConstraintMethod method, int buffer, Staleness staleness) {
    return spec(method, buffer, staleness, 5);
  }

  private static ConstraintSpec spec(
      ConstraintMethod method, int buffer, Staleness staleness, double max) {
    return new ConstraintSpec(
        "harm",
        new ModelRef("c", "1"),
        true,
        method,
        0,
        3,
        new ConstraintSpec.Price(MultiplierKind.LOG, 1, .1, .01, max),
        1,
        1,
        buffer,
        staleness,
        new ConstraintSpec.Test(new ModelRef("c", "2"), 0, .1),
        .05);
  }

  @Test
  void costsThatOlderWeightsSampledCountAsOld() {
    ConstraintState before =
        ConstraintStep.after(
                spec(ConstraintMethod.HC_RLHF, 100, new Staleness.Fade(1)),
                TEST,
                START,
                1,
                1,
                COSTS)
            .next();

    ConstraintStep.HcRlhf step =
        (ConstraintStep.HcRlhf)
            ConstraintStep.after(
                spec(ConstraintMethod.HC_RLHF, 100, new Staleness.Fade(1)),
                TEST,
                before,
                3,
                1,
                COSTS);

    // both batches are of version 1: alike, so their weights are equal
    assertThat(step.moments().size()).isCloseTo(20, within(1e-9));
    assertThat(step.next().costs()).allMatch(cost -> cost.version() == 1);
  }

  @Test
  void hcRlhfReactsToThePessimisticBoundAndPricesTheLinearisedCost() {
    ConstraintStep step =
        ConstraintStep.after(
            spec(ConstraintMethod.HC_RLHF, 10, new Staleness.Keep()), TEST, START, 1, 1, COSTS);

    // the paper's vector: m −.76, s .724492, K = t(.9, 9)/√10 + t(.9, 99)/10 = .566368
    assertThat(step.bound()).isCloseTo(-.349671, within(1e-6));
    // ln λ′ = ln 1 + .1·1·(−.349671 − 0)
    assertThat(step.lambda()).isCloseTo(Math.exp(-.0349671), within(1e-7));
    // c̃(.3) = .3 + K·(.09 + .6·.76)/(2s) = .513417, at λ = .965637
    assertThat(step.price(.3)).isCloseTo(.495775, within(1e-5));
    assertThat(step.reading(-.76))
        .isEqualTo(new ConstraintReading("harm", -.76, step.bound(), step.lambda(), 0.0, false));
  }

  @Test
  void bothStepsTakeTheSameNumberOfCosts() {
    // ten older costs count half as much as ten new ones: n_b = (5 + 10)²/(2.5 + 10) = 18
    ConstraintState before =
        new ConstraintState(
            "harm", 1, Arrays.stream(COSTS).mapToObj(cost -> new TaggedCost(cost, 1)).toList());
    ConstraintStep.HcRlhf step =
        (ConstraintStep.HcRlhf)
            ConstraintStep.after(
                spec(ConstraintMethod.HC_RLHF, 100, new Staleness.Fade(1)),
                TEST,
                before,
                2,
                2,
                COSTS);

    assertThat(step.moments().size()).isCloseTo(18, within(1e-9));
    assertThat(step.moments().mean()).isCloseTo(-.76, within(1e-12));
    assertThat(step.bound()).isEqualTo(step.pessimistic().upperBound(step.moments()));
    assertThat(step.price(.3))
        .isEqualTo(step.lambda() * step.pessimistic().linearised(.3, step.moments(), .05));
  }

  @Test
  void equalCostsHaveAFinitePrice() {
    ConstraintStep step =
        ConstraintStep.after(
            spec(ConstraintMethod.HC_RLHF, 4, new Staleness.Keep()),
            TEST,
            START,
            1,
            1,
            new double[] {.5, .5, .5, .5});

    assertThat(step.bound()).isEqualTo(.5);
    // s is floored at .05: c̃(.5) = .5 + K·(.25 − .5)/.1
    double k = 1.637744 / 2 + .1290161;
    assertThat(step.price(.5) / step.lambda()).isCloseTo(.5 - 2.5 * k, within(1e-5));
  }

  @Test
  void ppoLagrangianReactsToTheMeanOfTheLatestCosts() {
    ConstraintSpec spec = spec(ConstraintMethod.PPO_LAGRANGIAN, 2, new Staleness.Keep());
    ConstraintState state = START;
    double[] lambdas = new double[3];
    double[][] costs = {{2, 2}, {1, 3}, {-1, -1}};
    for (int i = 0; i < costs.length; i++) {
      ConstraintStep step = ConstraintStep.after(spec, TEST, state, i + 1, i + 1, costs[i]);
      assertThat(step.bound()).isEqualTo((costs[i][0] + costs[i][1]) / 2);
      assertThat(step.price(.5)).isEqualTo(.5 * step.lambda());
      state = step.next();
      lambdas[i] = state.lambda();
    }

    // Safe RLHF's vector: λ 1, α .1, costs 2, 2, −1
    assertThat(lambdas).containsExactly(new double[] {1.221403, 1.559368, 1.334216}, within(1e-6));
    assertThat(state.costs()).containsExactly(new TaggedCost(-1, 3), new TaggedCost(-1, 3));
  }

  @Test
  void aFixedPenaltyDoesNotMove() {
    ConstraintStep step =
        ConstraintStep.after(
            spec(ConstraintMethod.FIXED_PENALTY, 2, new Staleness.Keep()),
            TEST,
            START,
            1,
            1,
            new double[] {1, 1});

    assertThat(step.lambda()).isEqualTo(3);
    assertThat(step.price(.2)).isCloseTo(.6, within(1e-12));
    assertThat(step.reading(1)).isEqualTo(new ConstraintReading("harm", 1, null, 3.0, null, false));
  }

  @Test
  void costsOfOlderPoliciesAreDroppedAsTheSpecSays() {
    ConstraintSpec spec = spec(ConstraintMethod.PPO_LAGRANGIAN, 100, new Staleness.Drop(1));
    ConstraintState one = ConstraintStep.after(spec, TEST, START, 1, 1, new double[] {9, 9}).next();
    ConstraintState two = ConstraintStep.after(spec, TEST, one, 2, 2, new double[] {2, 2}).next();

    assertThat(ConstraintStep.after(spec, TEST, two, 3, 3, new double[] {1, 1}).bound())
        .as("of iterations 2 and 3")
        .isEqualTo(1.5);
  }

  @Test
  void aPriceAtItsCapIsTold() {
    ConstraintSpec spec = spec(ConstraintMethod.HC_RLHF, 10, new Staleness.Keep(), 1);
    double[] harmful = {.5, .6, .7, .8};

    ConstraintReading over = ConstraintStep.after(spec, TEST, START, 1, 1, harmful).reading(.65);
    ConstraintReading under = ConstraintStep.after(spec, TEST, START, 1, 1, COSTS).reading(-.76);

    assertThat(over.atCap()).isTrue();
    assertThat(CapAlarms.of(7, List.of(over, under)))
        .singleElement()
        .satisfies(
            alarm ->
                assertThat(alarm.words())
                    .isEqualTo(
                        String.format(
                            Locale.ROOT,
                            "harm: λ at its cap, cost %.2f over 0.00 in iteration 7",
                            over.bound())));
    assertThat(under.atCap()).isFalse();
  }

  @Test
  void aPriceThatWasStoredUnderAnotherRangeIsBroughtIntoItsOwn() {
    ConstraintSpec spec = spec(ConstraintMethod.PPO_LAGRANGIAN, 2, new Staleness.Keep());
    double[] costs = {.1, .3};

    double lambda =
        ConstraintStep.after(spec, TEST, new ConstraintState("harm", 0, List.of()), 31, 31, costs)
            .lambda();

    double min = spec.price().min();
    assertThat(min).isPositive();
    assertThat(Math.log(lambda))
        .isCloseTo(
            Math.log(min) + Math.max(0, spec.price().step() * min * (.2 - spec.target())),
            within(1e-12));
  }
}
