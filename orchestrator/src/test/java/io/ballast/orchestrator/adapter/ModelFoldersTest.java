package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.torch.Arithmetic;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.Trainee;
import io.ballast.orchestrator.core.learner.TraineeOptions;
import io.ballast.orchestrator.testing.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint takes the place of the one before once it is whole, and not sooner. */
class ModelFoldersTest {
  @TempDir private Path root;

  @Test
  void onAFullDiskTheOldCheckpointStaysAndNothingIsLeftBehind() throws IOException {
    TinyModel.writeTo(root.resolve("models"));
    ModelFolders folders =
        new ModelFolders(List.of(root.resolve("models")), root.resolve("learner"));
    TorchTraineeLoader loader =
        new TorchTraineeLoader(
            folders, Arithmetic.FLOAT32, 4, 8, 1, new TorchTraineeLoader.Memory(1L << 30, 1));
    TraineeOptions options = TraineeOptions.of(OptimizerSettings.ofRate(1e-2));
    try (Trainee trainee = loader.load(TinyModel.BASE, options)) {
      folders.keepCheckpoint("tenant", "last", trainee::checkpoint);
      Path kept = folders.checkpoint("tenant", "last");
      byte[] before = Files.readAllBytes(kept);
      assertThatThrownBy(
              () ->
                  folders.keepCheckpoint(
                      "tenant",
                      "last",
                      file -> {
                        // what the trainee writes ends on the device that is always full
                        Files.createSymbolicLink(
                            file.resolveSibling(file.getFileName() + ".part"),
                            Path.of("/dev/full"));
                        trainee.checkpoint(file);
                      }))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.DEPENDENCY_DOWN))
          .hasMessage("the folder of weights cannot be used: No space left on device");
      assertThat(Files.readAllBytes(kept)).isEqualTo(before);
      try (Stream<Path> left = Files.list(kept.getParent())) {
        assertThat(left).containsExactly(kept);
      }
    }
  }
}
