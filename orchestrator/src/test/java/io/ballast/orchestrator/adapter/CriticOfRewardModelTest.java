package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.SequenceClassifier;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.CriticSettings;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.core.learner.WhichWeights;
import io.ballast.orchestrator.testing.TinyJudge;
import io.ballast.orchestrator.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A policy learns with a critic that begins as a reward model of its own trunk. */
class CriticOfRewardModelTest {
  private static final TokenIds PROMPT = TokenIds.of(3, 17, 5);
  private static final TokenIds COMPLETION = TokenIds.of(11, 12, 13);
  private static final List<TrainingGroup> GROUPS =
      List.of(new TrainingGroup(PROMPT, List.of(TrainingCompletion.ofTokens(COMPLETION))));
  private static final TraineeOptions PLAIN = TraineeOptions.of(OptimizerSettings.ofRate(1e-2));

  @TempDir private Path root = Path.of("");
  private Path judge = Path.of("");

  @BeforeEach
  void models() {
    TinyModel.writeTo(root.resolve("models"));
    judge = TinyJudge.writeTo(root.resolve("models"));
  }

  private static TraineeOptions with(String model, int label) {
    return PLAIN.withOwnCritic(new CriticSettings(model, TinyJudge.VERSION, label, 0.2));
  }

  private static GroupScores said(Trainee trainee) {
    return trainee.scores(GROUPS, WhichWeights.CURRENT).getFirst();
  }

  /** Half the square of the values less 1, and the completion is to become likelier. */
  private static final class Loss implements GroupLoss {
    private double value;

    @Override
    public GroupGradients gradients(int index, GroupScores current) {
      PerToken values = current.values().getFirst();
      float[] byValues = new float[values.size()];
      for (int t = 0; t < byValues.length; t++) {
        byValues[t] = values.get(t) - 1;
        value += 0.5 * byValues[t] * byValues[t];
      }
      return new GroupGradients(
          List.of(PerToken.of(-1, -1, -1)), List.of(), List.of(PerToken.of(byValues)));
    }

    @Override
    public double value() {
      return value;
    }

    @Override
    public Map<String, Double> metrics() {
      return Map.of();
    }
  }

  @Test
  void itsFirstValuesAreTheRewardModelsScores() {
    try (Trainee trainee = TinyModel.open(root, with(TinyJudge.NAME, 1));
        SequenceClassifier scores = SequenceClassifier.load(judge, Arithmetic.FLOAT32)) {
      PerToken values = said(trainee).values().getFirst();
      for (int t = 0; t < COMPLETION.size(); t++) {
        TokenIds before = PROMPT.concat(COMPLETION.slice(0, t));
        assertThat((double) values.get(t))
            .isCloseTo((double) scores.scores(List.of(before)).getFirst().get(1), within(1e-5));
      }
    }
    try (Trainee trainee = TinyModel.open(root, with(TinyJudge.NAME, 0))) {
      assertThat(said(trainee).values()).containsExactly(PerToken.of(0, 0, 0));
    }
  }

  @Test
  void bothLearnAndGoOnFromACheckpointExactly() throws IOException {
    Path file = root.resolve("checkpoint.safetensors");
    try (Trainee whole = TinyModel.open(root, with(TinyJudge.NAME, 1));
        Trainee resumed = TinyModel.open(root, with(TinyJudge.NAME, 1))) {
      double first = train(whole, 1);
      double likely = said(whole).logProbs().getFirst().sum();
      double later = train(whole, 10);
      whole.checkpoint(file);
      resumed.restore(file);

      assertThat(later).isLessThan(first);
      assertThat(said(whole).logProbs().getFirst().sum()).isGreaterThan(likely);
      assertThat(resumed.updatesCount()).isEqualTo(11);
      assertThat(train(resumed, 2)).isEqualTo(train(whole, 2));
      assertThat(said(resumed)).isEqualTo(said(whole));
    }
  }

  private static double train(Trainee trainee, int updates) {
    double value = 0;
    for (int i = 0; i < updates; i++) {
      Loss loss = new Loss();
      var unused = trainee.forwardBackward(GROUPS, loss);
      value = loss.value();
      assertThat(trainee.step(1e-2)).isPositive();
    }
    return value;
  }

  @Test
  void aLossThatReadsNoValuesDoesNotAskIt() {
    try (Trainee trainee = TinyModel.open(root, with(TinyJudge.NAME, 1))) {
      GroupScores said = trainee.forwardBackward(GROUPS, new Likelier()).getFirst();

      assertThat(said.values()).isEmpty();
      assertThat(trainee.step(1e-2)).isPositive();
      assertThat(said(trainee).values()).isNotEmpty();
    }
  }

  /** The completion is to become likelier, whatever it is worth. */
  private static final class Likelier implements GroupLoss {
    @Override
    public GroupGradients gradients(int index, GroupScores current) {
      return new GroupGradients(List.of(PerToken.of(-1, -1, -1)), List.of());
    }

    @Override
    public boolean readsValues() {
      return false;
    }

    @Override
    public double value() {
      return 0;
    }

    @Override
    public Map<String, Double> metrics() {
      return Map.of();
    }
  }

  @Test
  void itsMemoryIsCounted() {
    TorchTraineeLoader loader = TinyModel.loader(root);

    assertThat(loader.memoryBytes(TinyModel.BASE, with(TinyJudge.NAME, 1)))
        .as("weight, gradient and two moments in 32 bits, weight and gradient in 16")
        .isGreaterThan(loader.memoryBytes(TinyModel.BASE, PLAIN) + 20 * 257 * 16);
  }

  @Test
  void whatCannotBeACriticIsRefusedByItsKey() throws IOException {
    refused(with(TinyModel.NAME, 0), "critic.model: tiny/1 (expected: a sequence classifier on a");
    refused(with(TinyJudge.NAME, 2), "critic.label: 2 (expected: below 2, the labels of judge/1)");
    assertThatThrownBy(() -> TinyModel.loader(root).memoryBytes(TinyModel.BASE, with("nobody", 0)))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNKNOWN_MODEL));
    Path tokenizer = judge.resolve("tokenizer.json");
    Files.writeString(tokenizer, Files.readString(tokenizer) + " ");
    refused(
        with(TinyJudge.NAME, 1),
        "critic.model: judge/1 (expected: one with the tokenizer.json of the policy, at least its");
  }

  private void refused(TraineeOptions options, String message) {
    assertThatThrownBy(() -> TinyModel.loader(root).memoryBytes(TinyModel.BASE, options))
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith(message);
  }
}
