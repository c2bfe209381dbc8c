package io.ballast.orchestrator.adapter;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.AdapterSettings.Projection;
import io.ballast.orchestrator.core.learner.GroupGradients;
import io.ballast.orchestrator.core.learner.GroupLoss;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.core.learner.TrainingCompletion;
import io.ballast.orchestrator.core.learner.TrainingGroup;
import io.ballast.orchestrator.testing.TinyModel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** Weights of the tiny model in training, on the real engine. */
abstract class TraineeCase {
  static final List<TrainingGroup> GROUPS =
      List.of(
          new TrainingGroup(
              TokenIds.of(3, 17, 5),
              List.of(
                  TrainingCompletion.ofTokens(TokenIds.of(1, 2, 3)),
                  TrainingCompletion.ofTokens(TokenIds.of(30)))));
  static final TraineeOptions PLAIN = TraineeOptions.of(OptimizerSettings.ofRate(1e-2));

  /** Pulls every value and every log-probability up. */
  static final class PullUp implements GroupLoss {
    private final boolean values;

    PullUp(boolean values) {
      this.values = values;
    }

    @Override
    public GroupGradients gradients(int index, GroupScores current) {
      List<PerToken> down =
          current.logProbs().stream()
              .map(
                  of -> {
                    float[] ones = new float[of.size()];
                    Arrays.fill(ones, -1);
                    return PerToken.of(ones);
                  })
              .toList();
      return values
          ? new GroupGradients(down, List.of(), down)
          : new GroupGradients(down, List.of());
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

  @TempDir Path root;
  ModelFolders folders;
  TorchTraineeLoader loader;

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(root.resolve("models"));
    folders = new ModelFolders(List.of(root.resolve("models")), root.resolve("learner"));
    loader = loader(1L << 30);
  }

  TorchTraineeLoader loader(long bytes) {
    return loader(bytes, 1);
  }

  TorchTraineeLoader loader(long bytes, int trainees) {
    return new TorchTraineeLoader(
        folders, Arithmetic.FLOAT32, 4, 8, 1, new TorchTraineeLoader.Memory(bytes, trainees));
  }

  Trainee open(TraineeOptions options) {
    return loader.load(TinyModel.BASE, options);
  }

  static double train(Trainee trainee, boolean values) {
    var unused = trainee.forwardBackward(GROUPS, new PullUp(values));
    return trainee.step(1e-2);
  }

  static AdapterSettings adapters(int rank) {
    return new AdapterSettings(rank, 4, Set.of(Projection.Q_PROJ, Projection.DOWN_PROJ), 1);
  }
}
