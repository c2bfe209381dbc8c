package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A checkpoint is gone on from by what it was taken of, and by nothing else. */
class TrainingCheckpointTest {
  private static final OptimizerOptions OPTIMIZER = new OptimizerOptions(0.9, 0.95, 1e-8, 0.05, 1);
  private static final int[][] ROWS = TinyModels.rows(4, 17, 1);

  @TempDir private Path folder;

  private static TrainableDecoder decoder(Arithmetic arithmetic, TrainingOptions options) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(TinyModels.CONFIG, arithmetic, options, new SplittableRandom(7));
  }

  private Path saved() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder decoder =
        decoder(Arithmetic.FLOAT32, TrainingOptions.of(OPTIMIZER).withAverage(0.9))) {
      decoder.trainStep(ROWS, 1e-2);
      decoder.saveCheckpoint(file, Map.of());
    }
    return file;
  }

  @ParameterizedTest
  @CsvSource({
    "0.8, 0.95, 1e-8, 0.05, 1, 0.9, beta1: 0.9 (expected: 0.8)",
    "0.9, 0.99, 1e-8, 0.05, 1, 0.9, beta2: 0.95 (expected: 0.99)",
    "0.9, 0.95, 1e-6, 0.05, 1, 0.9, epsilon: 1.0E-8 (expected: 1.0E-6)",
    "0.9, 0.95, 1e-8, 0, 1, 0.9, weight_decay: 0.05 (expected: 0.0)",
    "0.9, 0.95, 1e-8, 0.05, Infinity, 0.9, max_gradient_norm: 1.0 (expected: Infinity)",
    "0.9, 0.95, 1e-8, 0.05, 1, 0.5, average_decay: 0.9 (expected: 0.5)"
  })
  void otherOptionsAreNamedAndNothingChanges(
      double beta1,
      double beta2,
      double epsilon,
      double decay,
      double norm,
      double average,
      String difference)
      throws IOException {
    Path file = saved();
    OptimizerOptions optimizer = new OptimizerOptions(beta1, beta2, epsilon, decay, norm);
    refused(
        file,
        Arithmetic.FLOAT32,
        TrainingOptions.of(optimizer).withAverage(average),
        ": " + difference);
  }

  @Test
  void anotherArithmeticWouldNotGoOnExactly() throws IOException {
    refused(
        saved(),
        Arithmetic.BFLOAT16_PRODUCTS,
        TrainingOptions.of(OPTIMIZER).withAverage(0.9),
        ": arithmetic: FLOAT32 (expected: BFLOAT16_PRODUCTS)");
  }

  private static void refused(
      Path file, Arithmetic arithmetic, TrainingOptions options, String message) {
    try (TrainableDecoder other = decoder(arithmetic, options)) {
      double before = other.meanLoss(ROWS);
      assertThatThrownBy(() -> other.restoreCheckpoint(file))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
          .hasMessage(file + message);
      assertThat(other.meanLoss(ROWS)).isEqualTo(before);
      assertThat(other.steps()).isZero();
    }
  }

  @Test
  void notesMayNotHaveTheCheckpointsOwnNames() {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, TrainingOptions.of(OPTIMIZER))) {
      for (String name : List.of("steps", "config", "arithmetic", "average_decay", "base_sha256")) {
        assertThatThrownBy(() -> decoder.saveCheckpoint(file, Map.of(name, "mine")))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("notes: " + name + " (expected: none of steps, [config, ");
      }
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void fromWhatTheDiskLosesOnTheWayNothingGoesOn() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainedWeights weights =
            new TrainedWeights(new ParameterLayout(TinyModels.CONFIG), Arithmetic.FLOAT32, true);
        AdamW optimizer = new AdamW(weights.flat(), OPTIMIZER)) {
      new TrainingCheckpoint(weights, optimizer, null).save(file, Map.of());
      byte[] whole = Files.readAllBytes(file);
      // the numbers are asked for once to be checked, and once to be written to
      Trained losing = new AskedFor(weights, 2, () -> Files.delete(file));
      assertThatThrownBy(() -> new TrainingCheckpoint(losing, optimizer, null).restore(file))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
          .hasMessageStartingWith(file + ": was whole and can no longer be read");
      assertThat(Tensors.floats(weights.flat())).containsOnly(Float.NaN);
      assertThat(Tensors.floats(optimizer.secondMoment())).containsOnly(Float.NaN);

      Files.write(file, whole);
      var unused = new TrainingCheckpoint(weights, optimizer, null).restore(file);
      assertThat(Tensors.floats(weights.flat())).containsOnly(0f);
    }
  }

  /** Something may happen when the numbers are asked for. */
  private interface Event {
    void happens() throws IOException;
  }

  /** Numbers of which the {@code count}-th asking makes something happen. */
  private static final class AskedFor implements Trained {
    private final TrainedWeights weights;
    private final Event event;
    private int left;

    AskedFor(TrainedWeights weights, int count, Event event) {
      this.weights = weights;
      this.left = count;
      this.event = event;
    }

    @Override
    public Tensor flat() {
      if (--left == 0) {
        try {
          event.happens();
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      }
      return weights.flat();
    }

    @Override
    public long decayedSize() {
      return weights.decayedSize();
    }

    @Override
    public Tensor flatGradients() {
      return weights.flatGradients();
    }

    @Override
    public void collectGradients() {
      weights.collectGradients();
    }

    @Override
    public void clearGradients() {
      weights.clearGradients();
    }

    @Override
    public void changed() {
      weights.changed();
    }

    @Override
    public Optional<Tensor> headGradients() {
      return weights.headGradients();
    }

    @Override
    public Optional<ValueHead> critic() {
      return weights.critic();
    }

    @Override
    public Products products() {
      return weights.products();
    }

    @Override
    public Map<String, String> kind() {
      return weights.kind();
    }

    @Override
    public List<Content> contents(Tensor numbers, WeightType type) {
      return weights.contents(numbers, type);
    }

    @Override
    public void close() {}
  }
}
