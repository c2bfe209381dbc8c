package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.UpdateByHand.BAD;
import static io.ballast.orchestrator.core.run.UpdateByHand.GOOD;
import static io.ballast.orchestrator.core.run.UpdateByHand.group;
import static io.ballast.orchestrator.core.run.UpdateByHand.labelled;
import static io.ballast.orchestrator.core.run.UpdateByHand.rollout;
import static io.ballast.orchestrator.core.run.UpdateByHand.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.rl.algorithm.RecipeState;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

/**
 * An update on completions that come with a label: no reward is read, and no sample says the KL.
 */
class LabelledUpdateTest {
  private static final RunSpec SPEC =
      LeastSpec.read(
          LeastSpec.PAIRS
              + "algorithm: DPO\nlearning_rate: 1\nobjective: {beta: 1}\nconstraint: {enabled: false}\n");

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  /** A pair of which the chosen completion is the good one. */
  private static JudgedGroup pair(OptionalDouble chosen, OptionalDouble rejected) {
    return group(
        "p", labelled(GOOD, chosen, Label.CHOSEN), labelled(BAD, rejected, Label.REJECTED));
  }

  @Test
  void theKlOfTheLossAndOfTheIterationAreOneNumber() {
    JudgedGroup pair = pair(OptionalDouble.of(1), OptionalDouble.of(-1));
    PolicyUpdate first = update(trainee, SPEC, pair);
    var unused = update(trainee, SPEC, pair);
    double w = trainee.weight();
    PolicyUpdate third = update(trainee, SPEC, pair);

    assertThat(first.watched().klNats()).hasValue(0);
    // k2 = ½(w·f)² of each token, the mean over two completions
    double expected = DoubleStream.of(.1, .2, -.3, -.2).map(f -> .5 * w * w * f * f).sum() / 2;
    assertThat(w).as("far from the reference, where k2 and k3 differ").isGreaterThan(0.5);
    assertThat(third.watched().klNats()).hasValueCloseTo(expected, within(1e-6));
    assertThat(third.learning().objective().get("kl_nats"))
        .isCloseTo(third.watched().klNats().getAsDouble(), within(1e-9));
  }

  @Test
  void aPairWithoutRewardsIsLearnedFromAsOneWithThem() {
    PolicyUpdate with = update(trainee, SPEC, pair(OptionalDouble.of(1), OptionalDouble.of(-1)));
    OneWeightTrainee other = new OneWeightTrainee();
    JudgedRollout none = rollout(pair(OptionalDouble.empty(), OptionalDouble.empty()));
    PolicyUpdate without = update(other, SPEC, 1, none, RecipeState.initial());

    assertThat(without).isEqualTo(with);
    assertThat(without.learning().trainedCount()).isEqualTo(2);
    assertThat(other.weight()).isEqualTo(trainee.weight()).isPositive();
    assertThat(none.meanReward()).isEmpty();
    assertThat(none.unrewardedCount()).isEqualTo(2);
  }
}
