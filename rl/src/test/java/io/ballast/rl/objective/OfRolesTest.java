package io.ballast.rl.objective;

import static io.ballast.rl.sample.PerTokenName.ADVANTAGE;
import static io.ballast.rl.sample.PerTokenName.BEHAVIOUR_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.CURRENT_LOG_PROB;
import static io.ballast.rl.sample.PerTokenName.SERVED_LOG_PROB;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.ballast.rl.sample.Batch;
import io.ballast.rl.sample.Group;
import io.ballast.rl.sample.Sample;
import io.ballast.rl.sample.SampleRole;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** An objective of some roles does not see the others. */
class OfRolesTest {
  private static final Aggregation MEAN = Aggregation.tokenMean();

  private static Sample likely(SampleRole role, double... logProbs) {
    return Samples.blank(logProbs.length).with(role).with(CURRENT_LOG_PROB, logProbs);
  }

  @Test
  void theLikelihoodOfTheChosenAlone() {
    Batch batch =
        Samples.oneGroup(likely(SampleRole.REJECTED, -9), likely(SampleRole.CHOSEN, -1, -2));
    ObjectiveResult result =
        OfRoles.only(SampleRole.CHOSEN, new WeightedLikelihood(MEAN)).evaluate(batch);
    assertThat(result.value()).isEqualTo(1.5);
    assertThat(result.gradients().getFirst().byName()).isEmpty();
    assertThat(result.gradients().getLast().logProbs().toArray()).containsExactly(-.5, -.5);
  }

  @Test
  void theOthersNeedNotCarryWhatIsRead() {
    // PPO-ptx: rollouts with advantages, demonstrations without; 1·2 + .5·3
    Batch batch =
        Batch.of(
            new Group("p", List.of(likely(SampleRole.ROLLOUT, -2).withAll(ADVANTAGE, 1))),
            new Group("text", List.of(likely(SampleRole.DEMONSTRATION, -3))));
    Objective ptx =
        WeightedSum.of(OfRoles.only(SampleRole.ROLLOUT, new PolicyGradient(MEAN)))
            .plus(.5, OfRoles.only(SampleRole.DEMONSTRATION, new WeightedLikelihood(MEAN)));
    assertThat(ptx.evaluate(batch).value()).isCloseTo(3.5, within(1e-12));
  }

  @Test
  void demonstrationsHaveNoImportanceWeight() {
    // in one group: the rollout's weight is exp(−1 − (−1.5)), the demonstration has none:
    // 2·1.648721 + 3
    Batch batch =
        Batch.of(
            new Group(
                "p",
                List.of(
                    likely(SampleRole.ROLLOUT, -2)
                        .withAll(ADVANTAGE, 1)
                        .withAll(BEHAVIOUR_LOG_PROB, -1)
                        .withAll(SERVED_LOG_PROB, -1.5),
                    likely(SampleRole.DEMONSTRATION, -3))));
    Objective ptx =
        WeightedSum.of(OfRoles.only(SampleRole.ROLLOUT, new PolicyGradient(MEAN)))
            .plus(1, OfRoles.only(SampleRole.DEMONSTRATION, new WeightedLikelihood(MEAN)));
    ObjectiveResult result = new TruncatedImportance(2, ptx).evaluate(batch);
    assertThat(result.value()).isCloseTo(6.297443, within(1e-6));
    assertThat(result.metrics().get(ObjectiveMetric.IMPORTANCE_WEIGHT))
        .isCloseTo(1.648721, within(1e-6));
  }

  @Test
  void allRolesTogetherAreNoRestriction() {
    Batch batch = Samples.inEveryRole(2, 3);
    Objective plain = new PolicyGradient(MEAN);
    assertThat(new OfRoles(Set.of(SampleRole.values()), plain).evaluate(batch))
        .isEqualTo(plain.evaluate(batch));
  }

  @Test
  void countsItsRolesAlone() {
    Group group =
        new Group("p", List.of(likely(SampleRole.CHOSEN, -1, -1), likely(SampleRole.REJECTED, -1)));
    assertThat(OfRoles.only(SampleRole.CHOSEN, new PolicyGradient(MEAN)).countIn(group))
        .isEqualTo(2);
    assertThat(OfRoles.only(SampleRole.DEMONSTRATION, new PolicyGradient(MEAN)).countIn(group))
        .isZero();
  }

  @Test
  void aBatchWithoutTheRoleIsRefused() {
    Batch batch = Samples.oneGroup(likely(SampleRole.CHOSEN, -1));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                OfRoles.only(SampleRole.DEMONSTRATION, new WeightedLikelihood(MEAN))
                    .evaluate(batch))
        .withMessage("batch: no sample is one of [DEMONSTRATION] (expected: at least one)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new OfRoles(Set.of(), new WeightedLikelihood(MEAN)))
        .withMessage("roles: no elements (expected: at least one)");
  }
}
