package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.UpdateByHand.GOOD;
import static io.ballast.orchestrator.core.run.UpdateByHand.group;
import static io.ballast.orchestrator.core.run.UpdateByHand.judged;
import static io.ballast.orchestrator.core.run.UpdateByHand.rollout;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.rl.algorithm.RecipeState;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The reference is run where somebody reads what it says, and nowhere else. */
class ReferencePassesTest {
  private static final String WITHOUT_KL = "algorithm: DR_GRPO";

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  private static RunSpec spec(String more) {
    return LeastSpec.read(LeastSpec.LEAST + "iterations: 13\nlearning_rate: 0.5\n" + more + "\n");
  }

  private static PolicyUpdate update(Trainee trainee, RunSpec spec, int iteration) {
    JudgedGroup group = group("p", judged(GOOD, 1), judged(TokenIds.of(7, 8, 9), -1));
    return UpdateByHand.update(trainee, spec, iteration, rollout(group), RecipeState.initial());
  }

  private PolicyUpdate update(RunSpec spec, int iteration) {
    return update(trainee, spec, iteration);
  }

  @Test
  void withoutAKlItIsNotAskedAndThereIsNoKl() {
    PolicyUpdate update = update(spec(WITHOUT_KL), 2);

    assertThat(trainee.referencePasses()).isZero();
    assertThat(update.watched().klNats()).isEmpty();
    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(update.watched().entropyNats()).isCloseTo(0.5, within(1e-6));
  }

  @Test
  void theUpdateIsTheSameWhetherItIsAskedOrNot() {
    PolicyUpdate without = update(spec(WITHOUT_KL), 2);
    OneWeightTrainee asked = new OneWeightTrainee();
    PolicyUpdate with = update(asked, spec(WITHOUT_KL), 1);

    assertThat(asked.referencePasses()).isEqualTo(1);
    assertThat(with.watched().klNats()).hasValueCloseTo(0.0, within(1e-12));
    assertThat(with.gradientNorm()).isEqualTo(without.gradientNorm()).isPositive();
    assertThat(asked.weight()).isEqualTo(trainee.weight());
  }

  @Test
  void aKlThatNothingIsLearnedByIsMeasuredNowAndThenAndAtTheEnd() {
    assertThat(measured(spec(WITHOUT_KL))).containsExactly(1, 6, 11, 13);
    assertThat(measured(spec(WITHOUT_KL + "\nevaluation: {every: 4, prompts: {inline: [d, e]}}")))
        .as("where it is evaluated")
        .containsExactly(1, 5, 9, 13);
    assertThat(measured(spec(WITHOUT_KL + "\nevaluation: {every: 12, prompts: {inline: [d, e]}}")))
        .as("seldom evaluations do not make it seldom")
        .containsExactly(1, 6, 11, 13);
    assertThat(measured(spec(WITHOUT_KL + "\nwatch: {gold: {model: gold, version: 1, every: 3}}")))
        .as("where gold is read, too: its curve is over the KL")
        .containsExactly(1, 4, 6, 7, 10, 11, 13);
    assertThat(measured(spec(WITHOUT_KL + "\nkl: {stop_at: 0.3}")))
        .as("a limit that the spec names is looked at in each")
        .hasSize(13);
  }

  private static List<Integer> measured(RunSpec spec) {
    return IntStream.rangeClosed(1, 13).filter(spec::measuresKl).boxed().toList();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "algorithm: GRPO",
        "algorithm: RLOO",
        "algorithm: ONLINE_DPO",
        "algorithm: IPO",
        "constraint: {method: HC_RLHF}",
        "constraint: {method: PPO_LAGRANGIAN}",
        WITHOUT_KL + "\nkl: {stop_at: 2}",
      })
  void whoReadsItHasIt(String algorithm) {
    PolicyUpdate update = update(spec(algorithm), 2);

    assertThat(trainee.referencePasses()).isEqualTo(1);
    assertThat(update.watched().klNats()).isPresent();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "algorithm: DAPO",
        "algorithm: GSPO",
        "algorithm: CISPO",
        "algorithm: SIMPO",
        "algorithm: ORPO",
        "algorithm: GRPO\nkl: {coefficient: 0}",
      })
  void whoDoesNotHasNone(String algorithm) {
    PolicyUpdate update = update(spec(algorithm), 2);

    assertThat(trainee.referencePasses()).isZero();
    assertThat(update.watched().klNats()).isEmpty();
    assertThat(trainee.updatesCount()).isEqualTo(1);
  }
}
