package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static io.ballast.orchestrator.core.run.UpdateByHand.BAD;
import static io.ballast.orchestrator.core.run.UpdateByHand.GOOD;
import static io.ballast.orchestrator.core.run.UpdateByHand.PROMPT;
import static io.ballast.orchestrator.core.run.UpdateByHand.group;
import static io.ballast.orchestrator.core.run.UpdateByHand.rollout;
import static io.ballast.orchestrator.core.run.UpdateByHand.update;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.CrashPoints;
import io.ballast.orchestrator.testing.MemoryFolder;
import io.ballast.orchestrator.testing.OneWeightTrainee;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.rl.algorithm.RecipeState;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** In its first iterations a run may train its critic alone. */
class CriticWarmupTest {
  private static final String TWO_ALONE =
      "algorithm: PPO\nconstraint: {enabled: false}\nadvantage: {critic_warmup: 2}\n";

  @TempDir private Path folder;

  private final OneWeightTrainee trainee = new OneWeightTrainee(OptionalDouble.empty(), true);

  private static RunSpec spec(String more) {
    return LeastSpec.read(LeastSpec.LEAST + more);
  }

  @Test
  void oneUpdateByHand() {
    RunSpec spec = spec(TWO_ALONE + "learning_rate: 0.5\nkl: {coefficient: 0}\n");

    PolicyUpdate first = update(trainee, spec, 1, rollout(group(1, 1)), RecipeState.initial());

    // V = 0, λ = 0.95: A = G = (0.95, 1); 0.1·½·mean G², by V −0.1·mean G, V′ = 0 + 0.5·0.0975
    assertThat(first.loss()).isCloseTo(0.1 * 0.5 * (0.9025 + 1) / 2, within(1e-7));
    assertThat(first.gradientNorm()).isCloseTo(0.0975, within(1e-7));
    assertThat(trainee.value()).isCloseTo(0.04875, within(1e-7));
    assertThat(trainee.weight()).isZero();
    assertThat(trainee.updatesCount()).isZero();
    assertThat(first.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
    assertThat(first.learning().objective())
        .containsEntry("critic_alone", 1.0)
        .containsKey("value_error")
        .doesNotContainKey("mean_ratio");
  }

  @Test
  void afterItThePolicyMoves() {
    RunSpec spec = spec(TWO_ALONE + "learning_rate: 0.5\nkl: {coefficient: 0}\n");
    RecipeState state = RecipeState.initial();
    for (int iteration = 1; iteration <= 3; iteration++) {
      assertThat(trainee.history()).isEmpty();
      PolicyUpdate update = update(trainee, spec, iteration, rollout(group(1, -1)), state);
      state = update.next();
      assertThat(update.learning().objective())
          .containsEntry("critic_alone", iteration < 3 ? 1.0 : 0.0);
    }

    assertThat(trainee.history()).hasSize(1);
    assertThat(trainee.weight()).isNotZero();
  }

  @Test
  void theScheduleIsOfThePolicysUpdatesAndTheCriticTakesThePeak() {
    RunSpec spec =
        spec(TWO_ALONE + "learning_rate: 0.5\nschedule: {kind: LINEAR, warmup_updates: 5}\n");
    JudgedRollout rollout = rollout(group(1, -1));

    double alone =
        update(trainee, spec, 2, rollout, RecipeState.initial()).learning().learningRate();
    double first =
        update(trainee, spec, 3, rollout, RecipeState.initial()).learning().learningRate();

    assertThat(alone).isEqualTo(0.5);
    assertThat(first).as("the first of five to the peak").isEqualTo(0.1);
  }

  @Test
  void theKlsCoefficientIsNotMovedByAPolicyThatStandsStill() {
    RunSpec spec =
        spec(
            TWO_ALONE
                + "kl: {target: 1, horizon: 100}\n"
                + "rollout: {prompts_per_iteration: 1, completions_per_prompt: 2}\n");

    PolicyUpdate alone = update(trainee, spec, 2, rollout(group(1, -1)), RecipeState.initial());
    PolicyUpdate together = update(trainee, spec, 3, rollout(group(1, -1)), RecipeState.initial());

    assertThat(alone.next().klCoefficient()).isEmpty();
    assertThat(together.next().klCoefficient()).isPresent();
  }

  @Test
  void onARealNetworkTheLossFallsAndNoLogProbabilityChangesByABit() {
    TinyModel.writeTo(folder.resolve("models"));
    RunSpec spec =
        spec(
            "algorithm: PPO_MAX\nconstraint: {enabled: false}\nlearning_rate: 3e-3\n"
                + "objective: {updates_per_iteration: 8}\n");
    JudgedRollout rollout = rollout(group(1, -1));
    try (Trainee real = TinyModel.open(folder, spec.traineeOptions())) {
      GroupScores before = said(real);
      RecipeState state = RecipeState.initial();
      double first = 0;
      double last = 0;
      for (int iteration = 1; iteration <= 5; iteration++) {
        PolicyUpdate update = update(real, spec, iteration, rollout, state);
        state = update.next();
        last = update.learning().objective().getOrDefault("value_error", Double.NaN);
        first = iteration == 1 ? last : first;
        assertThat(said(real).logProbs()).isEqualTo(before.logProbs());
      }
      assertThat(last).isLessThan(0.9 * first); // the unit of rewards grows from √½ to 0.8
      assertThat(real.updatesCount()).isZero();

      var unused = update(real, spec, 6, rollout, state);

      assertThat(real.updatesCount()).isEqualTo(8);
      assertThat(said(real).logProbs()).isNotEqualTo(before.logProbs());
    }
  }

  private static GroupScores said(Trainee trainee) {
    return trainee
        .scores(
            List.of(
                new TrainingGroup(
                    PROMPT,
                    List.of(TrainingCompletion.ofTokens(GOOD), TrainingCompletion.ofTokens(BAD)))),
            WhichWeights.CURRENT)
        .getFirst();
  }

  @Test
  void aRunThatEndsWhileItWarmsUpHasNoCandidate() {
    LoopWorld world =
        new LoopWorld(
            folder.resolve("early"), TestSpecs.spec("crash", TWO_ALONE + "budget: {time: PT5S}\n"));
    world.rollout = Duration.ofSeconds(10);

    Run run = world.work(new CrashPoints(0));

    assertThat(run.progress().iterationsDone()).isEqualTo(1);
    assertThat(run.state()).isEqualTo(RunState.STOPPED);
    assertThat(run.progress().message())
        .startsWith("no update of the policy was taken in 1 iteration: 1 of the critic alone; ");
    assertThat(world.peers.tests).isEmpty();
  }

  @Test
  void aRunThatIsKilledAnywhereWarmsUpAsLong(@TempDir(factory = MemoryFolder.class) Path temporary)
      throws IOException {
    String spec = TestSpecs.spec("crash", TWO_ALONE);
    Run run = KilledRuns.killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("alone"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.trainees.getFirst().history()).as("in the third iteration").hasSize(1);
    assertThat(world.store.iterations(RUN_ID, 0))
        .extracting(each -> each.learning().objective().get("critic_alone"))
        .containsExactly(1.0, 1.0, 0.0);
  }
}
