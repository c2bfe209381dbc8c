package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.LoopWorld.RUN_ID;
import static io.ballast.orchestrator.core.run.UpdateByHand.group;
import static io.ballast.orchestrator.core.run.UpdateByHand.rollout;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.core.learner.Trainee;
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
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts are modelled beside what is rewarded: which ones, and how much they weigh. */
class TextTermTest {
  private static final String DR_GRPO = "algorithm: DR_GRPO\nconstraint: {enabled: false}\n";
  private static final RunSpec SPEC =
      LeastSpec.read(LeastSpec.LEAST + DR_GRPO + "learning_rate: 0.5\n");

  /** A token of a byte is the byte plus one; 'a' predicts the features of 'a', −0.3, and 'b'. */
  private static final String TEXT = "aab";

  @TempDir private Path folder;

  private final OneWeightTrainee trainee = new OneWeightTrainee();

  private static TextTerm term(double coefficient, int perUpdate, String... texts) {
    return new TextTerm(coefficient, perUpdate, 16, List.of(texts), 5);
  }

  private static PolicyUpdate update(
      Trainee trainee, RunSpec spec, double good, double bad, RecipeState state, TextTerm texts) {
    return UpdateByHand.update(trainee, spec, 1, rollout(group(good, bad)), state, texts);
  }

  private PolicyUpdate update(TextTerm texts) {
    return update(trainee, SPEC, 1, -1, RecipeState.initial(), texts);
  }

  @Test
  void itsGradientStandsBesideTheLosss() {
    PolicyUpdate update = update(term(0.1, 1, TEXT));

    // w = 0, −log π = 1 of both tokens that are predicted, whose features are −0.3 and −0.2:
    // by w of the rewarded −0.8/24, of the text −0.1·(−0.3 − 0.2)/2 = 0.025; w = −0.5·their sum
    assertThat(update.learning().objective().get("ptx_loss")).isCloseTo(1, within(1e-7));
    assertThat(update.gradientNorm()).isCloseTo(0.8 / 24 - 0.025, within(1e-7));
    assertThat(trainee.weight()).isCloseTo(0.5 * (0.8 / 24 - 0.025), within(1e-7));
    assertThat(update.loss()).as("of what is rewarded alone").isCloseTo(0, within(1e-12));
    assertThat(update.next().texts()).isEqualTo(1);
  }

  @Test
  void theMeanIsOverTheTokensOfAllTextsAndTheirEndsAreCut() {
    TextTerm both = term(1, 2, "abab", "bab");
    TextTerm cut = new TextTerm(1, 2, 3, List.of("abab", "bab"), 5);

    PolicyUpdate whole = update(trainee, SPEC, 1, 1, RecipeState.initial(), both);
    OneWeightTrainee other = new OneWeightTrainee();
    PolicyUpdate shorter = update(other, SPEC, 1, 1, RecipeState.initial(), cut);

    // abab predicts b, a, b; bab predicts a, b: −0.2 three times and −0.3 twice, over 5
    assertThat(whole.gradientNorm()).isCloseTo((3 * 0.2 + 2 * 0.3) / 5, within(1e-7));
    // aba predicts b, a; bab a, b: over 4
    assertThat(shorter.gradientNorm()).isCloseTo((2 * 0.2 + 2 * 0.3) / 4, within(1e-7));
  }

  @Test
  void withACoefficientOfZeroNothingIsThereBitByBit() {
    OneWeightTrainee without = new OneWeightTrainee();
    PolicyUpdate none = update(without, SPEC, 1, -1, RecipeState.initial(), TextTerm.NONE);

    assertThat(update(term(0, 4, TEXT))).isEqualTo(none);
    assertThat(trainee.history()).isEqualTo(without.history());
  }

  @Test
  void aTextOfOneTokenPredictsNothing() {
    OneWeightTrainee without = new OneWeightTrainee();
    var unused = update(without, SPEC, 1, -1, RecipeState.initial(), TextTerm.NONE);

    PolicyUpdate update = update(term(1, 1, "a"));

    assertThat(update.learning().objective()).doesNotContainKey("ptx_loss");
    assertThat(trainee.history()).isEqualTo(without.history());
  }

  @Test
  void everyPassHasEveryTextOnceAndGoesOnWhereItStood() {
    TextTerm term = term(1, 2, "a", "b", "c", "d", "e");
    List<Integer> drawn = new ArrayList<>();
    for (long before = 0; before < 20; before += 2) {
      drawn.addAll(term.draw(before));
    }

    assertThat(drawn.subList(0, 5)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    assertThat(drawn.subList(5, 10)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    assertThat(drawn.subList(10, 15)).containsExactlyInAnyOrder(0, 1, 2, 3, 4);
    assertThat(drawn).as("shuffled anew").isNotEqualTo(repeated(drawn.subList(0, 5)));
    assertThat(term(1, 2, "a", "b", "c", "d", "e").draw(6)).isEqualTo(drawn.subList(6, 8));
    assertThat(term(1, 7, "a", "b", "c", "d", "e").draw(4)).isEqualTo(drawn.subList(4, 11));
  }

  private static List<Integer> repeated(List<Integer> pass) {
    List<Integer> all = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      all.addAll(pass);
    }
    return all;
  }

  @Test
  void everyUpdateOfThePolicyTakesTheNextOnes() {
    RunSpec several =
        LeastSpec.read(
            LeastSpec.LEAST + DR_GRPO + "objective: {minibatches: 1, updates_per_iteration: 3}\n");
    TextTerm term = term(1, 2, "aab", "ab", "bb");

    PolicyUpdate first = update(trainee, several, 1, -1, RecipeState.initial(), term);
    trainee.fail(4, 1);
    PolicyUpdate cutShort = update(trainee, several, 1, -1, first.next(), term);

    assertThat(first.next().texts()).isEqualTo(6);
    assertThat(cutShort.learning().message()).startsWith("updates 2 to 3 were left out");
    assertThat(cutShort.next().texts()).as("of the one that was taken").isEqualTo(8);
  }

  @Test
  void aTextThatIsNotFiniteSkipsTheUpdateAndIsTakenAgain() {
    trainee.poison('c' + 1);
    RecipeState before = RecipeState.initial().withTexts(40);

    PolicyUpdate update = update(trainee, SPEC, 1, -1, before, term(1, 1, "abc"));

    assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
    assertThat(update.learning().message())
        .isEqualTo("ptx: log-probability: NaN; no prompt alone is to blame");
    assertThat(update.next()).isEqualTo(before);
    assertThat(trainee.updatesCount()).isZero();

    PolicyUpdate next = update(trainee, SPEC, 1, -1, before, TextTerm.NONE);
    assertThat(next.gradientNorm())
        .as("nothing stayed collected")
        .isCloseTo(0.8 / 24, within(1e-7));
  }

  @Test
  void whileTheCriticLearnsAloneNoneIsTaken() {
    RunSpec spec =
        LeastSpec.read(
            LeastSpec.LEAST
                + "algorithm: PPO\nconstraint: {enabled: false}\nadvantage: {critic_warmup: 1}\n");
    OneWeightTrainee critic = new OneWeightTrainee(OptionalDouble.empty(), true);

    PolicyUpdate update = update(critic, spec, 1, -1, RecipeState.initial(), term(1, 2, TEXT));

    assertThat(update.next().texts()).isZero();
    assertThat(update.learning().objective()).doesNotContainKey("ptx_loss");
    assertThat(critic.history()).isEmpty();
  }

  @Test
  void onARealNetworkTextsThatNothingRewardsBecomeLikelier() {
    TinyModel.writeTo(folder.resolve("models"));
    RunSpec spec = LeastSpec.read(LeastSpec.LEAST + DR_GRPO + "learning_rate: 2e-3\n");
    TextTerm term = term(1, 2, "int i = 0;", "int j = 0;", "int k = 0;");
    try (Trainee real = TinyModel.open(folder, spec.traineeOptions())) {
      RecipeState state = RecipeState.initial();
      List<Double> losses = new ArrayList<>();
      for (int i = 0; i < 30; i++) {
        PolicyUpdate update = update(real, spec, 1, -1, state, term);
        state = update.next();
        losses.add(update.learning().objective().getOrDefault("ptx_loss", Double.NaN));
      }

      assertThat(losses.getFirst()).as("nearly even over 257 tokens").isBetween(4.5, 6.5);
      assertThat(losses.getLast()).isLessThan(losses.getFirst() - 0.5);
      assertThat(state.texts()).isEqualTo(60);
    }
  }

  @Test
  void aRunThatIsKilledAnywhereTakesTheSameTexts(
      @TempDir(factory = MemoryFolder.class) Path temporary) throws IOException {
    String spec =
        TestSpecs.spec(
            "crash",
            DR_GRPO
                + "objective: {updates_per_iteration: 2}\n"
                + "ptx: {file: texts, coefficient: 0.5, texts_per_update: 2}\n");
    Run run = KilledRuns.killAnywhere(temporary, spec);

    assertThat(run.state()).isEqualTo(RunState.PROMOTED);
    LoopWorld world = new LoopWorld(temporary.resolve("alone"), spec);
    var unused = world.work(new CrashPoints(0));
    assertThat(world.store.loopState(RUN_ID).recipe().texts()).as("3 · 2 · 2").isEqualTo(12);
    assertThat(world.store.iterations(RUN_ID, 0))
        .hasSize(3)
        .allSatisfy(each -> assertThat(each.learning().objective()).containsKey("ptx_loss"));
  }
}
