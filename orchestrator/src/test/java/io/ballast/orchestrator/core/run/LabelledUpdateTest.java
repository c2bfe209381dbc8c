package io.ballast.orchestrator.core.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.rl.algorithm.RecipeState;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.DoubleStream;
import org.junit.jupiter.api.Test;

/**
 * An update on completions that come with a label: no reward is read, and no sample says the KL.
 */
class LabelledUpdateTest {
  private static final RunSpec SPEC =
      LeastSpec.read(
          LeastSpec.LEAST.replace("prompts: {inline: [a]}", "prompts: {pairs: a.jsonl}")
              + "algorithm: DPO\nlearning_rate: 1\nobjective: {beta: 1}\nconstraint: {enabled: false}\n");

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  private static JudgedCompletion labelled(TokenIds tokens, OptionalDouble reward, Label label) {
    return new JudgedCompletion(
        new SampledCompletion(tokens, "", PerToken.of(), false, label),
        reward,
        OptionalDouble.empty(),
        List.of(0.0));
  }

  /** A pair; the features of its tokens are 0.1, 0.2, and −0.3, −0.2. */
  private static JudgedRollout pair(OptionalDouble chosen, OptionalDouble rejected) {
    return new JudgedRollout(
        List.of(
            new JudgedGroup(
                "p",
                TokenIds.of(1, 2),
                List.of(
                    labelled(TokenIds.of(4, 5), chosen, Label.CHOSEN),
                    labelled(TokenIds.of(7, 8), rejected, Label.REJECTED)),
                List.of())),
        0,
        List.of());
  }

  private PolicyUpdate update(JudgedRollout rollout) {
    Constraints constraints =
        Constraints.after(SPEC, LoopState.initial(SPEC.constraints()), 1, 10, rollout);
    return PolicyUpdate.apply(
        trainee, SPEC, 1, rollout, constraints, RecipeState.initial(), 64, TextTerm.NONE);
  }

  @Test
  void theKlOfTheLossAndOfTheIterationAreOneNumber() {
    JudgedRollout pair = pair(OptionalDouble.of(1), OptionalDouble.of(-1));
    PolicyUpdate first = update(pair);
    var unused = update(pair);
    double w = trainee.weight();
    PolicyUpdate third = update(pair);

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
    PolicyUpdate with = update(pair(OptionalDouble.of(1), OptionalDouble.of(-1)));
    OneWeightTrainee other = new OneWeightTrainee();
    JudgedRollout none = pair(OptionalDouble.empty(), OptionalDouble.empty());
    PolicyUpdate without =
        PolicyUpdate.apply(
            other,
            SPEC,
            1,
            none,
            Constraints.after(SPEC, LoopState.initial(SPEC.constraints()), 1, 10, none),
            RecipeState.initial(),
            64,
            TextTerm.NONE);

    assertThat(without).isEqualTo(with);
    assertThat(without.learning().trainedCount()).isEqualTo(2);
    assertThat(other.weight()).isEqualTo(trainee.weight()).isPositive();
    assertThat(none.meanReward()).isEmpty();
    assertThat(none.unrewardedCount()).isEqualTo(2);
  }
}
