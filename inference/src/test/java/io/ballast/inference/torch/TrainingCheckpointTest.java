package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.NotFiniteException;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A checkpoint is gone on from by what it was taken of, and by nothing else. */
class TrainingCheckpointTest {
  private static final OptimizerOptions OPTIMIZER = new OptimizerOptions(0.9, 0.95, 1e-8, 0.05, 1);
  private static final TrainingOptions OPTIONS = TrainingOptions.of(OPTIMIZER).withAverage(0.9);
  private static final int[][] ROWS = TinyModels.rows(4, 17, 1);
  private static final List<CompletionGroup> GROUPS =
      List.of(new CompletionGroup(TokenIds.of(3, 17), List.of(TokenIds.of(1, 2, 3))));

  @TempDir private Path folder;

  private static TrainableDecoder decoder(Arithmetic arithmetic, TrainingOptions options) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(TinyModels.CONFIG, arithmetic, options, new SplittableRandom(7));
  }

  private Path saved() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, OPTIONS)) {
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
        OPTIONS,
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
      for (String name :
          List.of(
              "steps", "critic_steps", "config", "arithmetic", "average_decay", "base_sha256")) {
        assertThatThrownBy(() -> decoder.saveCheckpoint(file, Map.of(name, "mine")))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith(
                "notes: " + name + " (expected: none of steps, critic_steps, [config, ");
      }
      assertThat(file).doesNotExist();
    }
  }

  @Test
  void theFileThatWasCheckedIsTheOneThatIsTaken() throws IOException {
    Path file = saved();
    Path other = folder.resolve("other.safetensors");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, OPTIONS);
        TrainableDecoder expected = decoder(Arithmetic.FLOAT32, OPTIONS)) {
      expected.restoreCheckpoint(file);
      decoder.trainStep(ROWS, 1e-2);
      decoder.trainStep(ROWS, 1e-2);
      decoder.saveCheckpoint(other, Map.of());
      TrainingState state = decoder.state();
      try (TrainingCheckpoint.Checked checked = state.check(file)) {
        Files.move(other, file, StandardCopyOption.REPLACE_EXISTING);
        assertThat(decoder.steps()).isEqualTo(2);
        assertThat(state.take(checked)).isEmpty();
      }
      assertThat(decoder.steps()).isEqualTo(1);
      assertThat(decoder.trainStep(ROWS, 1e-2)).isEqualTo(expected.trainStep(ROWS, 1e-2));
      assertThat(decoder.averageScores(GROUPS)).isEqualTo(expected.averageScores(GROUPS));
    }
  }

  @Test
  void halfACheckpointIsUsedByNothingUntilAWholeOneIsLoaded() throws IOException {
    Path file = saved();
    byte[] whole = Files.readAllBytes(file);
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, OPTIONS)) {
      float[] before = floats(decoder.weights().flat());
      TrainingState state = decoder.state();
      try (TrainingCheckpoint.Checked checked = state.check(file)) {
        assertThat(floats(decoder.weights().flat())).isEqualTo(before);
        // the weights, the first quarter of it, are there; the moments are not
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
          channel.truncate(whole.length / 2);
        }
        assertBroken(
            () -> state.take(checked),
            file + ": was whole and can no longer be read (expected: another checkpoint)");
      }
      assertThat(floats(decoder.weights().flat())).isNotEqualTo(before);

      Path saved = folder.resolve("saved");
      Path kept = folder.resolve("kept.safetensors");
      List<ThrowingCallable> uses =
          List.of(
              () -> decoder.trainStep(ROWS, 1e-2),
              () -> decoder.meanLoss(ROWS),
              () -> decoder.scores(GROUPS),
              () -> decoder.averageScores(GROUPS),
              () -> decoder.forwardBackward(GROUPS, (index, scores) -> nothing(scores)),
              () -> decoder.optimizerStep(1e-2),
              () -> decoder.snapshot().close(),
              () -> decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of()),
              () -> decoder.saveAverage(saved, WeightType.FLOAT32, tokenizer, Map.of()),
              () -> decoder.saveCheckpoint(kept, Map.of()));
      assertAllRefused(uses);
      // what does not fit changes nothing, so the numbers are as they were: half
      assertThatThrownBy(() -> decoder.restoreCheckpoint(file))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER));
      assertAllRefused(uses);
      assertThat(saved).doesNotExist();
      assertThat(kept).doesNotExist();

      Files.write(file, whole);
      decoder.restoreCheckpoint(file);
      try (TrainableDecoder expected = decoder(Arithmetic.FLOAT32, OPTIONS)) {
        expected.restoreCheckpoint(file);
        assertThat(decoder.averageScores(GROUPS)).isEqualTo(expected.averageScores(GROUPS));
        assertThat(decoder.trainStep(ROWS, 1e-2)).isEqualTo(expected.trainStep(ROWS, 1e-2));
        assertThat(decoder.steps()).isEqualTo(2);
      }
      decoder.saveCheckpoint(kept, Map.of());
      decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of());
      decoder.snapshot().close();
    }
  }

  @Test
  void numbersThatAreNotFiniteAreNotSavedAndWhatIsThereStays() throws IOException {
    Path file = saved();
    byte[] good = Files.readAllBytes(file);
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    Path published = folder.resolve("published");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, OPTIONS)) {
      spoil(decoder.state().average(), 5);
      assertNotFinite(
          () -> decoder.saveCheckpoint(file, Map.of()),
          "tensor average[5]: NaN (expected: finite)");
      assertNotFinite(
          () -> decoder.saveAverage(published, WeightType.FLOAT32, tokenizer, Map.of()),
          "tensor model.embed_tokens.weight[5]: NaN (expected: finite)");
      spoil(decoder.optimizer().secondMoment(), 4);
      assertNotFinite(
          () -> decoder.saveCheckpoint(file, Map.of()),
          "tensor second_moment[4]: NaN (expected: finite)");
      spoil(decoder.weights().flat(), 3);
      assertNotFinite(
          () -> decoder.saveCheckpoint(file, Map.of()),
          "tensor weights[3]: NaN (expected: finite)");
      assertNotFinite(
          () -> decoder.save(published, WeightType.FLOAT32, tokenizer, Map.of()),
          "tensor model.embed_tokens.weight[3]: NaN (expected: finite)");
      assertThat(published.resolve(ModelManifest.WEIGHTS)).doesNotExist();
      assertThat(file).hasBinaryContent(good);
      assertThat(decoder.restoreCheckpoint(file)).isEmpty();
      assertThat(decoder.steps()).isEqualTo(1);
    }
  }

  private static void spoil(Tensor numbers, long at) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      numbers.narrow(0, at, 1).fill_(new Scalar(Double.NaN));
    }
  }

  private static void assertNotFinite(ThrowingCallable call, String message) {
    assertThatThrownBy(call).isInstanceOf(NotFiniteException.class).hasMessage(message);
  }

  private static void assertAllRefused(List<ThrowingCallable> uses) {
    for (ThrowingCallable use : uses) {
      assertBroken(
          use, "the numbers are those of half a checkpoint (expected: another is loaded first)");
    }
  }

  private static void assertBroken(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
        .hasMessage(message);
  }

  private static TokenGradients nothing(GroupScores scores) {
    return TokenGradients.ofLogProbs(
        scores.logProbs().stream().map(of -> PerToken.of(new float[of.size()])).toList());
  }

  private static float[] floats(Tensor tensor) {
    try (PointerScope scope = new PointerScope()) {
      return Tensors.floats(tensor);
    }
  }
}
