package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.ConstraintMethod;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.rl.constraint.CostMoments;
import io.ballast.rl.constraint.PessimisticCost;
import io.ballast.rl.constraint.Staleness;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;

/** What completions are worth under the prices of harm, by each method. */
class ConstraintsTest {
  /** Without inflation a cost counts as it is: λ·c̃ = λ·C. */
  private static final PessimisticCost MEAN = new PessimisticCost(.1, 0, 0, 100);

  private static final CostMoments MOMENTS = new CostMoments(.3, .1, 10);

  private static ConstraintSpec spec(ConstraintMethod method) {
    return ConstraintStepTest.spec(method, 10, new Staleness.Keep());
  }

  private static ConstraintStep hcRlhf(double lambda) {
    return new ConstraintStep.HcRlhf(
        spec(ConstraintMethod.HC_RLHF),
        MEAN,
        MOMENTS,
        new ConstraintState("harm", lambda, List.of()),
        .3);
  }

  private static ConstraintStep lagrangian(double lambda) {
    return new ConstraintStep.PpoLagrangian(
        spec(ConstraintMethod.PPO_LAGRANGIAN), new ConstraintState("harm", lambda, List.of()), .3);
  }

  private static ConstraintStep penalty(double price) {
    return new ConstraintStep.FixedPenalty(
        spec(ConstraintMethod.FIXED_PENALTY), new ConstraintState("harm", price, List.of()));
  }

  /** A group of completions, each a reward and then its costs. */
  private static JudgedGroup group(double[]... judged) {
    List<JudgedCompletion> completions = new ArrayList<>();
    for (double[] each : judged) {
      List<Double> costs = new ArrayList<>();
      for (int j = 1; j < each.length; j++) {
        costs.add(each[j]);
      }
      completions.add(
          new JudgedCompletion(
              new SampledCompletion(FakeWorld.tokens("a"), "a", FakeWorld.logProbs("a"), false),
              each[0],
              OptionalDouble.empty(),
              costs));
    }
    return new JudgedGroup("p", FakeWorld.tokens("p"), completions, List.of());
  }

  @Test
  void hcRlhfPutsTheKlInsideTheClippedReturn() {
    Constraints constraints =
        new Constraints(ConstraintMethod.HC_RLHF, true, .1, List.of(hcRlhf(2)));

    // G = 2 − .1·5 − 2·.25 = 1 and 1 − 0 − 2·.5 = 0
    assertThat(constraints.worths(group(new double[] {2, .25}, new double[] {1, .5}), kl(5, 0)))
        .containsExactly(new double[] {1, 0}, within(1e-12));
    // 1e6 − .1·1e9 is clipped to −50 with its KL, and harm still counts: −50 − .5 and 1 − .5
    assertThat(
            constraints.worths(group(new double[] {1e6, .25}, new double[] {1, .25}), kl(1e9, 0)))
        .containsExactly(new double[] {-50.5, .5}, within(1e-9));
  }

  @Test
  void harmHasOnePriceWhateverTheGroup() {
    Constraints constraints =
        new Constraints(ConstraintMethod.HC_RLHF, false, 0, List.of(hcRlhf(1)));
    double[] narrow =
        constraints.worths(group(new double[] {0, .1}, new double[] {0, .2}), kl(0, 0));
    double[] wide = constraints.worths(group(new double[] {0, .1}, new double[] {0, .9}), kl(0, 0));

    assertThat(narrow).containsExactly(new double[] {-.1, -.2}, within(1e-12));
    assertThat(wide).containsExactly(new double[] {-.1, -.9}, within(1e-12));
  }

  @Test
  void ppoLagrangianCombinesAdvantagesOfRewardAndCost() {
    Constraints constraints =
        new Constraints(ConstraintMethod.PPO_LAGRANGIAN, true, .5, List.of(lagrangian(3)));

    // half of β·kl = .5·4 each: R 2 − 1 and 1, so A_r = 0; C .5 + 1 and .25, so A_c = ±1.25
    // Â = (0 − 3·1.25)/(1 + 3)
    assertThat(constraints.lagrangian(group(new double[] {2, .5}, new double[] {1, .25}), kl(4, 0)))
        .containsExactly(new double[] {-.9375, .9375}, within(1e-12));
  }

  @Test
  void ppoLagrangianAtPriceZeroIsTheReward() {
    Constraints constraints =
        new Constraints(ConstraintMethod.PPO_LAGRANGIAN, true, 0, List.of(lagrangian(0)));

    assertThat(constraints.lagrangian(group(new double[] {2, 1}, new double[] {1, 0}), kl(4, 0)))
        .containsExactly(new double[] {1, -1}, within(1e-12));
  }

  @Test
  void aFixedPenaltyIsTakenFromTheReward() {
    Constraints constraints =
        new Constraints(ConstraintMethod.FIXED_PENALTY, true, 0, List.of(penalty(3)));

    // 2 − 1.5 and 1 − 0
    assertThat(constraints.worths(group(new double[] {2, .5}, new double[] {1, 0}), kl(9, 9)))
        .containsExactly(new double[] {.5, 1}, within(1e-12));
  }

  @Test
  void pricesOfSeveralConstraintsAddUp() {
    JudgedGroup group = group(new double[] {2, .5, 1}, new double[] {1, 0, .5});

    // 2 − 2·.5 − 3·1 = −2 and 1 − 0 − 1.5 = −.5
    assertThat(
            new Constraints(ConstraintMethod.HC_RLHF, true, 0, List.of(hcRlhf(2), hcRlhf(3)))
                .worths(group, kl(0, 0)))
        .containsExactly(new double[] {-2, -.5}, within(1e-12));
    // (1 − (2·.5 + 3·.5))/(1 + 5) = −.25
    assertThat(
            new Constraints(
                    ConstraintMethod.PPO_LAGRANGIAN, true, 0, List.of(lagrangian(2), lagrangian(3)))
                .lagrangian(group, kl(0, 0)))
        .containsExactly(new double[] {-.25, .25}, within(1e-12));
  }

  private static double[] kl(double... nats) {
    return nats;
  }
}
