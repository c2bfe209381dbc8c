package io.ballast.inference.torch;

import static io.ballast.inference.torch.LossesByHand.all;
import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.LossesByHand.ReturnsOfOne;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A critic begins as a reward model on a trunk of its own, learns beside the policy, and stays. */
class TrainableCriticTest {
  private static final List<CompletionGroup> GROUPS = LoraBase.GROUPS;
  private static final OptimizerOptions OPTIMIZER =
      new OptimizerOptions(0.9, 0.95, 1e-8, 0, Double.POSITIVE_INFINITY);
  private static final int LABEL = 1;

  @TempDir private Path folder;

  private Path classifier(DecoderFamily family) throws IOException {
    return ClassifierFolders.write(folder, FamilyFolders.config(family), 3, 3);
  }

  private TrainableCritic load(Arithmetic arithmetic) throws IOException {
    TorchRuntime.setThreads(1);
    return TrainableCritic.load(classifier(DecoderFamily.LLAMA), LABEL, arithmetic, OPTIMIZER);
  }

  private static TrainableDecoder policy(Arithmetic arithmetic, long seed) {
    return TrainableDecoder.create(
        TinyModels.CONFIG, arithmetic, OPTIMIZER, new SplittableRandom(seed));
  }

  @ParameterizedTest
  @EnumSource(DecoderFamily.class)
  void atFirstAValueIsTheScoreOfTheTextBeforeItsToken(DecoderFamily family) throws IOException {
    Path model = classifier(family);
    try (TrainableCritic critic =
            TrainableCritic.load(model, LABEL, Arithmetic.FLOAT32, OPTIMIZER);
        SequenceClassifier rewards = SequenceClassifier.load(model, Arithmetic.FLOAT32)) {
      List<List<PerToken>> values = critic.values(GROUPS);
      for (int i = 0; i < GROUPS.size(); i++) {
        CompletionGroup group = GROUPS.get(i);
        for (int g = 0; g < group.size(); g++) {
          TokenIds completion = group.completions().get(g);
          assertThat(values.get(i).get(g).size()).isEqualTo(completion.size());
          for (int t = 0; t < completion.size(); t++) {
            TokenIds before = group.prompt().concat(completion.slice(0, t));
            assertThat((double) values.get(i).get(g).get(t))
                .isCloseTo(
                    (double) rewards.scores(List.of(before)).getFirst().get(LABEL), within(1e-5));
          }
        }
      }
    }
  }

  @Test
  void gradientsAgreeWithCentralDifferences() throws IOException {
    List<CompletionGroup> one = List.of(GROUPS.get(1));
    try (TrainableCritic critic = load(Arithmetic.FLOAT64)) {
      Map<Integer, List<PerToken>> u = Map.of(0, List.of(PerToken.of(), PerToken.of(2, -0.5f)));
      critic.backward(one, u);
      double[] gradients = doubles(critic.state().trained().flatGradients());
      double step = 1e-4; // values come back in 32 bits
      double largest = 0;
      for (int at = 5; at < gradients.length; at += 53) {
        shift(critic, at, step);
        double up = weighed(critic.values(one));
        shift(critic, at, -2 * step);
        double down = weighed(critic.values(one));
        shift(critic, at, step);
        assertThat(gradients[at]).as("%d", at).isCloseTo((up - down) / (2 * step), within(5e-3));
        largest = Math.max(largest, Math.abs(gradients[at]));
      }
      assertThat(largest).isGreaterThan(0.1);
      // ∂ Σ u·(w·h + b) / ∂b = 2 − 0.5
      assertThat(gradients[gradients.length - 1]).isEqualTo(1.5);
    }
  }

  private static double weighed(List<List<PerToken>> values) {
    PerToken two = values.getFirst().get(1);
    return 2 * two.get(0) - 0.5 * two.get(1);
  }

  @Test
  void itLearnsReturnsAndNoBitOfThePolicyChanges() throws IOException {
    try (PolicyAndCritic both =
        new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), load(Arithmetic.FLOAT32), 1)) {
      List<GroupScores> before = both.scores(GROUPS);
      double first = collect(both, 0);
      both.criticStep(1e-3);
      double last = first;
      for (int i = 0; i < 100; i++) {
        last = collect(both, 0);
        both.criticStep(1e-3);
      }

      assertThat(last).isLessThan(first / 4);
      List<GroupScores> after = both.scores(GROUPS);
      for (int i = 0; i < after.size(); i++) {
        assertThat(after.get(i).logProbs()).isEqualTo(before.get(i).logProbs());
        assertThat(after.get(i).values()).isNotEqualTo(before.get(i).values());
      }
    }
  }

  @Test
  void beforeItLearnsThePolicysUpdateIsAsWithoutIt() throws IOException {
    try (PolicyAndCritic both =
            new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), load(Arithmetic.FLOAT32), 3);
        PolicyAndCritic alone = new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), null, 1)) {
      collect(both, -1);
      alone.forwardBackward(GROUPS, LossesByHand::likelier);

      assertThat(both.step(1e-2)).isEqualTo(alone.step(1e-2)).isPositive();
      for (int i = 0; i < GROUPS.size(); i++) {
        assertThat(both.scores(GROUPS).get(i).logProbs())
            .isEqualTo(alone.scores(GROUPS).get(i).logProbs());
        assertThat(alone.scores(GROUPS).get(i).values()).isEmpty();
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void resumedTrainingEqualsUninterruptedTraining(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (PolicyAndCritic whole = new PolicyAndCritic(policy(arithmetic, 7), load(arithmetic), 2);
        PolicyAndCritic resumed =
            new PolicyAndCritic(policy(arithmetic, 99), load(arithmetic), 2)) {
      collect(whole, 0);
      whole.criticStep(1e-3); // it has one step more than the policy
      train(whole, 2);
      whole.saveCheckpoint(file, Map.of("place", "here"));
      assertThat(resumed.restoreCheckpoint(file)).isEqualTo(Map.of("place", "here"));
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
      train(whole, 2);
      train(resumed, 2);
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
    }
  }

  @Test
  void aCheckpointOfBothIsNoneOfThePolicyAlone() throws IOException {
    Path with = folder.resolve("with.safetensors");
    Path without = folder.resolve("without.safetensors");
    try (PolicyAndCritic both =
            new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), load(Arithmetic.FLOAT32), 1);
        PolicyAndCritic alone = new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), null, 1)) {
      both.saveCheckpoint(with, Map.of());
      alone.saveCheckpoint(without, Map.of());
      assertThatThrownBy(() -> alone.restoreCheckpoint(with))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(": critic_model: {")
          .hasMessageEndingWith("(expected: absent)");
      assertThatThrownBy(() -> both.restoreCheckpoint(without))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining(": critic_model: absent (expected: {");
    }
  }

  @Test
  void whatFailsLeavesNothingCollectedInEither() throws IOException {
    try (PolicyAndCritic both =
        new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), load(Arithmetic.FLOAT32), 1)) {
      collect(both, -1);
      assertThatThrownBy(
              () ->
                  both.forwardBackward(
                      GROUPS,
                      (index, said) ->
                          new TokenGradients(all(said, 0), List.of(), all(said, Float.NaN))))
          .isInstanceOf(IllegalArgumentException.class)
          .as("the shortest row is the first, and its first completion has no token")
          .hasMessage("gradients[1].byValues[1][0]: NaN (expected: finite)");
      List<GroupScores> before = both.scores(GROUPS);
      assertThat(both.step(1e-2)).isZero();
      assertThat(both.scores(GROUPS)).isEqualTo(before);
    }
  }

  @Test
  void aLossWithoutValuesAsksThePolicyAlone() throws IOException {
    TrainableCritic critic = load(Arithmetic.FLOAT32);
    try (PolicyAndCritic both = new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), critic, 1);
        PolicyAndCritic alone = new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), null, 1)) {
      shift(critic, doubles(critic.state().trained().flat()).length - 1, Double.NaN);
      assertThatThrownBy(() -> both.scores(GROUPS))
          .isInstanceOf(ModelException.class)
          .hasMessageStartingWith("value: NaN");

      List<GroupScores> said = both.forwardBackwardOfPolicy(GROUPS, LossesByHand::likelier);

      assertThat(said).isEqualTo(alone.forwardBackward(GROUPS, LossesByHand::likelier));
      assertThat(both.step(1e-2)).isEqualTo(alone.step(1e-2)).isPositive();
    }
  }

  @Test
  void whatFailsWithoutValuesLeavesNothingCollectedInEither() throws IOException {
    TrainableCritic critic = load(Arithmetic.FLOAT32);
    try (PolicyAndCritic both = new PolicyAndCritic(policy(Arithmetic.FLOAT32, 7), critic, 1)) {
      collect(both, -1);
      assertThatThrownBy(
              () ->
                  both.forwardBackwardOfPolicy(
                      GROUPS, (index, said) -> TokenGradients.ofLogProbs(all(said, Float.NaN))))
          .isInstanceOf(IllegalArgumentException.class);
      assertThat(doubles(critic.state().trained().flatGradients())).containsOnly(0.0);
      assertThat(both.step(1e-2)).isZero();
    }
  }

  @Test
  void twoCriticsAndAFolderOfSomethingElseAreRefused() throws IOException {
    Path decoder = new LoraBase(Files.createDirectory(folder.resolve("decoder"))).model;
    assertThatThrownBy(() -> TrainableCritic.describe(decoder))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("architectures: LlamaForCausalLM (expected: Llama");
    assertThat(TrainableCritic.describe(classifier(DecoderFamily.LLAMA)).labels()).isEqualTo(3);
    try (TrainableDecoder withOne =
            TrainableDecoder.create(
                TinyModels.CONFIG,
                Arithmetic.FLOAT32,
                TrainingOptions.of(OPTIMIZER).withCritic(),
                new SplittableRandom(7));
        TrainableCritic critic = load(Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> new PolicyAndCritic(withOne, critic, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("critic: beside one on the policy's trunk");
    }
  }

  private static void train(PolicyAndCritic both, int steps) {
    for (int i = 0; i < steps; i++) {
      collect(both, -1);
      both.step(1e-3);
    }
  }

  /** Of the mean square of V less 1, and of log-probabilities; returns the former. */
  private static double collect(PolicyAndCritic both, float byLogProb) {
    ReturnsOfOne returns = new ReturnsOfOne(GROUPS, byLogProb);
    both.forwardBackward(GROUPS, returns);
    return returns.loss();
  }

  private static void shift(TrainableCritic critic, int at, double change) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      critic.state().trained().flat().narrow(0, at, 1).add_(new Scalar(change));
      critic.state().trained().changed();
    }
  }
}
