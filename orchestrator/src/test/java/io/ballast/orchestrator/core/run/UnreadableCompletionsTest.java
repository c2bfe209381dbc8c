package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.UpdateByHand.BAD;
import static io.ballast.orchestrator.core.run.UpdateByHand.judged;
import static io.ballast.orchestrator.core.run.UpdateByHand.labelled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.rl.algorithm.RecipeState;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Completions of which the model says nothing finite, whichever pass asks it first. */
class UnreadableCompletionsTest {
  private static final int POISON = 40;

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  private static RunSpec spec(String more) {
    return LeastSpec.read(LeastSpec.LEAST + "iterations: 13\nlearning_rate: 0.5\n" + more + "\n");
  }

  private static JudgedGroup group(String prompt, int token) {
    return UpdateByHand.group(
        prompt, judged(TokenIds.of(token, 5), 1), judged(TokenIds.of(7, 8, 9), -1));
  }

  private static JudgedGroup pair(String prompt, int token) {
    OptionalDouble none = OptionalDouble.empty();
    return UpdateByHand.group(
        prompt,
        labelled(TokenIds.of(token, 5), none, Label.CHOSEN),
        labelled(BAD, none, Label.REJECTED));
  }

  private PolicyUpdate update(RunSpec spec, JudgedGroup... groups) {
    return UpdateByHand.update(trainee, spec, groups);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "algorithm: GRPO\nconstraint: {enabled: false}", // its loss is the first to ask
        "algorithm: RLOO\nconstraint: {enabled: false}", // scored before
        "algorithm: REINFORCE",
        "algorithm: DAPO\nconstraint: {enabled: false}",
        "algorithm: ONLINE_DPO\nconstraint: {enabled: false}\nrollout: {completions_per_prompt: 2}"
      })
  void theUpdateIsSkippedAndThePromptToldByLength(String algorithm) {
    RunSpec spec = spec(algorithm);
    trainee.poison(POISON);
    JudgedGroup fine = group("fine", 4);
    JudgedGroup bad = group("bad", POISON);

    PolicyUpdate update = update(spec, fine, bad);

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
    assertThat(update.learning().message())
        .isEqualTo("log-probability: NaN; it is of a prompt of 3 characters, rewards 1.0, -1.0");
    assertThat(update.suspects()).containsExactly(bad);
    assertThat(update.next()).isEqualTo(RecipeState.initial());
    assertThat(trainee.updatesCount()).isZero();
    assertThat(update.watched().entropyNats()).as("of the others").isCloseTo(0.5, within(1e-6));

    PolicyUpdate next = update(spec, fine, group("another", 4));

    assertThat(next.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(trainee.updatesCount()).isEqualTo(1);
  }

  @Test
  void labelledDataWithoutRewardsIsToldByTheLengthOfItsPrompt() {
    RunSpec spec =
        LeastSpec.read(
            LeastSpec.PAIRS
                + "algorithm: DPO\nlearning_rate: 1\nobjective: {beta: 1}\nconstraint: {enabled: false}\n");
    trainee.poison(POISON);

    PolicyUpdate update = update(spec, pair("fine", 4), pair("a", POISON), pair("b", POISON));

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
    assertThat(update.learning().message())
        .isEqualTo(
            "log-probability: NaN; it is of a prompt of 1 character, and 1 more of the prompts");
    assertThat(update.suspects()).extracting(JudgedGroup::prompt).containsExactly("a", "b");
    assertThat(update.watched().klNats()).hasValue(0);
    assertThat(trainee.updatesCount()).isZero();
  }

  @Test
  void whereNothingIsFiniteItIsTheWeightsAndNotASample() {
    trainee.poison(POISON);

    assertThatThrownBy(() -> update(spec("algorithm: GRPO"), group("a", POISON)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.PRECONDITION_FAILED))
        .hasMessage(
            "in iteration 1 the weights, or the reference, say nothing finite of any completion: log-probability: NaN");
    assertThat(trainee.updatesCount()).isZero();
  }

  @Test
  void theSamplesOfALaterUpdateThatIsNotFiniteAreSuspectsToo() {
    RunSpec spec =
        spec(
            "algorithm: GRPO\nconstraint: {enabled: false}\nobjective: {updates_per_iteration: 3}");
    trainee.fail(1, 1);
    JudgedGroup group = group("p", 4);

    PolicyUpdate update = update(spec, group);

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(update.learning().message())
        .isEqualTo("updates 2 to 3 were left out: gradient norm: NaN; no prompt alone is to blame");
    assertThat(update.suspects()).containsExactly(group);
    assertThat(trainee.updatesCount()).isEqualTo(1);
  }
}
