package io.ballast.orchestrator.core.run;

import static io.ballast.orchestrator.core.run.UpdateByHand.labelled;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.orchestrator.adapter.ModelFolders;
import io.ballast.orchestrator.adapter.TorchTraineeLoader;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.core.rollout.JudgedCompletion;
import io.ballast.orchestrator.core.rollout.JudgedGroup;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.rollout.Label;
import io.ballast.orchestrator.core.rollout.SampledCompletion;
import io.ballast.orchestrator.core.spec.LeastSpec;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.rl.algorithm.Algorithm;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.algorithm.SourceKind;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What every algorithm must do whatever its loss, on a real network: more of what is rewarded. */
class EveryAlgorithmLearnsTest {
  private static final int UPDATES = 12;
  private static final TorchTraineeLoader.Memory MEMORY =
      new TorchTraineeLoader.Memory(1L << 30, 1);

  @TempDir private Path root = Path.of("");
  private TorchTraineeLoader loader =
      new TorchTraineeLoader(
          new ModelFolders(List.of(), Path.of("")), Arithmetic.FLOAT32, 4, 8, 2, MEMORY);

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(root.resolve("models"));
    loader =
        new TorchTraineeLoader(
            new ModelFolders(List.of(root.resolve("models")), root.resolve("learner")),
            Arithmetic.FLOAT32,
            4,
            8,
            2,
            MEMORY);
  }

  private static RunSpec spec(Algorithm algorithm) {
    return spec(algorithm, "");
  }

  private static RunSpec spec(Algorithm algorithm, String more) {
    boolean data = more.contains("DATA") || algorithm.recipe(1).source() == SourceKind.DATA;
    return LeastSpec.read(
        (data ? LeastSpec.PAIRS : LeastSpec.LEAST)
            + more
            + """
            algorithm: %s
            learning_rate: 2e-3
            constraint: {enabled: false}
            """
                .formatted(algorithm));
  }

  private Trainee open(RunSpec spec) {
    return loader.load(
        TinyModel.BASE,
        TraineeOptions.of(OptimizerSettings.ofRate(spec.learningRate().peak()))
            .withCritic(spec.recipe().advantage().critic()));
  }

  private static TokenIds good() {
    return TokenIds.of(11, 12, 13);
  }

  private static TokenIds bad() {
    return TokenIds.of(21, 22, 23, 24);
  }

  private static JudgedCompletion judged(TokenIds tokens, double reward) {
    return judged(tokens, reward, false);
  }

  private static JudgedCompletion judged(TokenIds tokens, double reward, boolean truncated) {
    float[] served = new float[tokens.size()];
    java.util.Arrays.fill(served, -4);
    return new JudgedCompletion(
        new SampledCompletion(tokens, "", PerToken.of(served), truncated),
        reward,
        OptionalDouble.empty(),
        List.of(0.0));
  }

  /** Two prompts, each with a good completion, a bad one, and what they are compared with. */
  private static JudgedRollout rollout(SourceKind source, double good, double bad) {
    List<JudgedGroup> groups = new ArrayList<>();
    for (int prompt = 0; prompt < 2; prompt++) {
      List<JudgedCompletion> beside =
          switch (source) {
            case POLICY -> List.of();
            case POLICY_AND_GREEDY -> List.of(judged(TokenIds.of(30), (good + bad) / 2));
            case POLICY_AND_REFERENCE -> List.of(judged(bad(), bad), judged(good(), good));
            case DATA -> List.of();
          };
      boolean data = source == SourceKind.DATA;
      groups.add(
          new JudgedGroup(
              "p" + prompt,
              TokenIds.of(3, 17, 5 + prompt),
              data
                  ? List.of(
                      labelled(good(), OptionalDouble.of(good), Label.CHOSEN),
                      labelled(bad(), OptionalDouble.of(bad), Label.REJECTED))
                  : List.of(judged(good(), good), judged(bad(), bad)),
              beside));
    }
    return new JudgedRollout(groups, 0, List.of());
  }

  /** Of the first iteration that moves the policy. */
  private static PolicyUpdate update(
      Trainee trainee, RunSpec spec, JudgedRollout rollout, RecipeState state) {
    int iteration = spec.recipe().criticWarmup() + 1;
    return UpdateByHand.update(trainee, spec, iteration, rollout, state);
  }

  /** How much likelier than the bad completion the good one is, nats a token. */
  private static double margin(Trainee trainee) {
    GroupScores scores =
        trainee
            .scores(
                List.of(
                    new TrainingGroup(
                        TokenIds.of(3, 17, 5),
                        List.of(
                            TrainingCompletion.ofTokens(good()),
                            TrainingCompletion.ofTokens(bad())))),
                WhichWeights.CURRENT)
            .getFirst();
    return scores.logProbs().get(0).sum() / 3 - scores.logProbs().get(1).sum() / 4;
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void whatIsRewardedBecomesLikelier(Algorithm algorithm) {
    RunSpec spec = spec(algorithm);
    JudgedRollout rollout = rollout(spec.recipe().source(), 1, -1);
    try (Trainee trainee = open(spec)) {
      double before = margin(trainee);
      RecipeState state = RecipeState.initial();
      for (int i = 0; i < UPDATES; i++) {
        PolicyUpdate update = update(trainee, spec, rollout, state);
        state = update.next();
        assertThat(update.learning().trainedCount()).isPositive();
        assertThat(update.gradientNorm()).isPositive();
      }
      assertThat(margin(trainee)).isGreaterThan(before + 0.05);
      assertThat(trainee.updatesCount()).isEqualTo(UPDATES);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Algorithm.class,
      names = {"DPO", "CDPO", "RDPO", "IPO", "SLIC_HF", "SIMPO", "ORPO", "KTO"})
  void whatPeopleChoseBecomesLikelierWhateverItsReward(Algorithm algorithm) {
    RunSpec spec = spec(algorithm, "source: DATA\n");
    JudgedRollout rollout = rollout(SourceKind.DATA, -1, 1);
    try (Trainee trainee = open(spec)) {
      double before = margin(trainee);
      RecipeState state = RecipeState.initial();
      for (int i = 0; i < UPDATES; i++) {
        PolicyUpdate update = update(trainee, spec, rollout, state);
        state = update.next();
        assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.UPDATED);
        assertThat(update.learning().trainedCount()).isEqualTo(4);
        assertThat(update.watched().trainServeGapNats()).as("no server sampled it").isZero();
      }
      assertThat(margin(trainee)).isGreaterThan(before + 0.05);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Algorithm.class,
      names = {"REINFORCE", "RLOO", "REMAX", "PPO", "PPO_MAX", "REINFORCE_PLUS_PLUS", "DPO"},
      mode = EnumSource.Mode.EXCLUDE)
  void equalRewardsMoveNothing(Algorithm algorithm) {
    RunSpec spec = spec(algorithm);
    try (Trainee trainee = open(spec)) {
      double before = margin(trainee);
      PolicyUpdate update =
          update(trainee, spec, rollout(spec.recipe().source(), 0.5, 0.5), RecipeState.initial());

      assertThat(update.loss()).isCloseTo(0, within(1e-12));
      assertThat(margin(trainee)).isCloseTo(before, within(1e-6));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Algorithm.class,
      names = {"DAPO", "ONLINE_DPO", "KTO", "IPO"})
  void whereNothingHasASignalThereIsNoUpdate(Algorithm algorithm) {
    RunSpec spec = spec(algorithm);
    try (Trainee trainee = open(spec)) {
      PolicyUpdate update =
          update(trainee, spec, rollout(spec.recipe().source(), 0.5, 0.5), RecipeState.initial());

      assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NO_SIGNAL);
      assertThat(update.learning().message()).startsWith("the rewards of every group are equal");
      assertThat(trainee.updatesCount()).isZero();
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Algorithm.class,
      names = {"GRPO", "DAPO"})
  void whereEveryCompletionWasCutOffAndIsLeftOutThereIsNoUpdate(Algorithm algorithm) {
    RunSpec spec = spec(algorithm, "shaping: [OVERLONG_FILTER]\n");
    JudgedGroup cut =
        new JudgedGroup(
            "p",
            TokenIds.of(3, 17, 5),
            List.of(judged(good(), 1, true), judged(bad(), -1, true)),
            List.of());
    try (Trainee trainee = open(spec)) {
      PolicyUpdate update =
          update(
              trainee, spec, new JudgedRollout(List.of(cut), 0, List.of()), RecipeState.initial());

      assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NO_SIGNAL);
      assertThat(update.learning().message()).endsWith("or every completion is masked");
      assertThat(trainee.updatesCount()).isZero();
    }
  }

  @Test
  void aGradientThatIsNotFiniteIsSkippedAndItsPromptToldByLength() {
    RunSpec spec = spec(Algorithm.DR_GRPO);
    JudgedRollout fine = rollout(SourceKind.POLICY, 1, -1);
    JudgedGroup huge =
        new JudgedGroup(
            "q", TokenIds.of(3, 17, 6), List.of(judged(good(), 1e60), judged(bad(), 0)), List.of());
    JudgedRollout broken = new JudgedRollout(List.of(fine.groups().getFirst(), huge), 0, List.of());
    try (Trainee trainee = open(spec)) {
      double before = margin(trainee);
      PolicyUpdate update = update(trainee, spec, broken, RecipeState.initial());

      assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
      assertThat(update.learning().message())
          .contains("not finite in 32 bits")
          .endsWith("it is of a prompt of 1 character, rewards 1.0E60, 0.0");
      assertThat(update.suspects()).containsExactly(huge);
      assertThat(margin(trainee)).as("the weights are as they were").isEqualTo(before);
      assertThat(trainee.updatesCount()).isZero();
      assertThat(update(trainee, spec, fine, update.next()).learning().outcome())
          .as("and the next iteration goes on")
          .isEqualTo(UpdateOutcome.UPDATED);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Algorithm.class,
      names = {"REINFORCE", "PPO_MAX", "DR_GRPO"})
  void anIterationThatWasSkippedLeavesNothingBehind(Algorithm algorithm) {
    RunSpec spec = spec(algorithm);
    try (Trainee trainee = open(spec)) {
      RecipeState state =
          update(trainee, spec, rollout(SourceKind.POLICY, 1, -1), RecipeState.initial()).next();
      PolicyUpdate skipped = update(trainee, spec, rollout(SourceKind.POLICY, 1e160, -1), state);

      assertThat(skipped.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
      assertThat(skipped.next()).isEqualTo(state);
      assertThat(
              update(trainee, spec, rollout(SourceKind.POLICY, 1, -1), skipped.next())
                  .learning()
                  .outcome())
          .isEqualTo(UpdateOutcome.UPDATED);
    }
  }

  @Test
  void rewardsWhoseSquaresOverflowAreToldAndChangeNothing() {
    RunSpec spec = spec(Algorithm.GRPO);
    JudgedRollout rollout = rollout(SourceKind.POLICY, 1e300, 0);
    try (Trainee trainee = open(spec)) {
      PolicyUpdate update = update(trainee, spec, rollout, RecipeState.initial());

      assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NOT_FINITE);
      assertThat(update.learning().message()).contains("Infinity");
      assertThat(update.suspects()).isEqualTo(rollout.groups());
      assertThat(update.next()).isEqualTo(RecipeState.initial());
      assertThat(trainee.updatesCount()).isZero();
    }
  }

  @Test
  void theCoefficientOfTheKlMovesFromUpdateToUpdateAndIsTold() {
    RunSpec spec =
        LeastSpec.read(
            LeastSpec.LEAST
                + """
                algorithm: GRPO
                learning_rate: 2e-3
                constraint: {enabled: false}
                rollout: {prompts_per_iteration: 2, completions_per_prompt: 2}
                kl: {target: 1, horizon: 10}
                """);
    JudgedRollout rollout = rollout(SourceKind.POLICY, 1, -1);
    try (Trainee trainee = open(spec)) {
      PolicyUpdate first = update(trainee, spec, rollout, RecipeState.initial());
      PolicyUpdate second = update(trainee, spec, rollout, first.next());

      // at the start there is no KL: 0.04·(1 − 0.2·4/10)
      assertThat(first.learning().objective()).containsEntry("kl_coefficient", 0.04);
      assertThat(first.next().klCoefficient().orElseThrow()).isCloseTo(0.0368, within(1e-12));
      assertThat(second.learning().objective())
          .containsEntry("kl_coefficient", first.next().klCoefficient().getAsDouble());
    }
  }

  @Test
  void withoutAnUpdateTheCoefficientOfTheKlStaysAndIsTold() {
    RunSpec spec =
        LeastSpec.read(
            LeastSpec.LEAST
                + """
                algorithm: GRPO
                selector: DYNAMIC_SAMPLING
                constraint: {enabled: false}
                rollout: {prompts_per_iteration: 2, completions_per_prompt: 2}
                kl: {target: 1, horizon: 40}
                """);
    try (Trainee trainee = open(spec)) {
      PolicyUpdate update =
          update(trainee, spec, rollout(SourceKind.POLICY, 0.5, 0.5), RecipeState.initial());

      assertThat(update.learning().outcome()).isEqualTo(UpdateOutcome.NO_SIGNAL);
      assertThat(update.learning().objective()).containsEntry("kl_coefficient", 0.04);
      assertThat(update.next().klCoefficient()).isEmpty();
    }
  }

  @Test
  void theFirstRatioIsOneAndTheServersGapIsTold() {
    RunSpec spec = spec(Algorithm.GRPO);
    try (Trainee trainee = open(spec)) {
      PolicyUpdate update =
          update(trainee, spec, rollout(SourceKind.POLICY, 1, -1), RecipeState.initial());

      assertThat(update.learning().objective().get("mean_ratio")).isEqualTo(1);
      assertThat(update.learning().objective().get("clip_fraction")).isZero();
      assertThat(update.watched().maxTrainServeGapNats())
          .isGreaterThanOrEqualTo(update.watched().trainServeGapNats());
      assertThat(update.watched().klNats().orElseThrow()).isCloseTo(0, within(1e-6));
      assertThat(update.watched().entropyNats()).isPositive();
    }
  }
}
