package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A decoder learns, is saved, and goes on as if it had never stopped. */
class TrainableDecoderTest {
  private static final int[][] ROWS = TinyModels.rows(4, 17, 1);

  @TempDir private Path folder;
  private Path tokenizer;

  @BeforeEach
  void aTokenizerFile() throws IOException {
    tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
  }

  @Test
  void aFreshModelKnowsNothing() {
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      // weights near zero make all 40 ids equally likely
      assertThat(decoder.meanLoss(ROWS)).isCloseTo(Math.log(40), within(0.02));
    }
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void itLearnsThatEverySecondTokenFollowsFromTheOneBefore(Arithmetic arithmetic) {
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.UNTIED, arithmetic)) {
      for (int i = 0; i < 150; i++) {
        decoder.trainStep(ROWS, 1e-2);
      }
      assertThat(decoder.meanLoss(ROWS)).isLessThan(1);
      assertThat(decoder.steps()).isEqualTo(150);
    }
  }

  @Test
  void theTinyShapeHasTheStatedSize() {
    assertThat(DecoderConfig.tiny(4096).parameterCount()).isEqualTo(3_443_136);
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void resumedTrainingEqualsUninterruptedTraining(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder whole = TinyModels.trainable(TinyModels.CONFIG, arithmetic);
        TrainableDecoder resumed =
            TrainableDecoder.create(
                TinyModels.CONFIG,
                arithmetic,
                OptimizerOptions.pretraining(),
                new java.util.SplittableRandom(99))) {
      for (int i = 0; i < 3; i++) {
        whole.trainStep(ROWS, 1e-2);
      }
      whole.saveCheckpoint(file, Map.of("position", "12"));
      assertThat(resumed.restoreCheckpoint(file)).containsEntry("position", "12");
      for (int i = 0; i < 3; i++) {
        assertThat(resumed.trainStep(ROWS, 1e-2)).isEqualTo(whole.trainStep(ROWS, 1e-2));
      }
      assertThat(resumed.steps()).isEqualTo(6);
    }
  }

  @Test
  void aCheckpointThatIsCutShortOrHasANanChangesNothing() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder untouched = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      decoder.saveCheckpoint(file, Map.of());
      byte[] whole = Files.readAllBytes(file);
      byte[] spoiled = whole.clone();
      ByteBuffer.wrap(spoiled)
          .order(ByteOrder.LITTLE_ENDIAN)
          .putFloat(spoiled.length - 4, Float.NaN);
      long last = TinyModels.CONFIG.parameterCount() - 1;
      for (byte[] bad : List.of(Arrays.copyOf(whole, whole.length - 1), spoiled)) {
        Files.write(file, bad);
        assertThatThrownBy(() -> decoder.restoreCheckpoint(file))
            .isInstanceOfSatisfying(
                ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
            .hasMessageContaining(
                bad == spoiled
                    ? "tensor second_moment[" + last + "]: NaN (expected: finite)"
                    : "tensor second_moment: bytes ");
      }
      assertThat(decoder.trainStep(ROWS, 1e-2)).isEqualTo(untouched.trainStep(ROWS, 1e-2));
      assertThat(decoder.meanLoss(ROWS)).isEqualTo(untouched.meanLoss(ROWS));
    }
  }

  @Test
  void onAFullDiskTheOldCheckpointStaysAndNothingIsLeftBehind() throws IOException {
    Path checkpoints = Files.createDirectory(folder.resolve("checkpoints"));
    Path file = checkpoints.resolve("checkpoint.safetensors");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      decoder.saveCheckpoint(file, Map.of("position", "1"));
      double before = decoder.meanLoss(ROWS);
      decoder.trainStep(ROWS, 1e-2);
      // the new file is written beside the old one: here onto the device that is always full
      Files.createSymbolicLink(
          checkpoints.resolve("checkpoint.safetensors.part"), Path.of("/dev/full"));
      assertThatThrownBy(() -> decoder.saveCheckpoint(file, Map.of("position", "2")))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("No space left on device");
      try (Stream<Path> left = Files.list(checkpoints)) {
        assertThat(left).containsExactly(file);
      }
      assertThat(decoder.restoreCheckpoint(file)).containsEntry("position", "1");
      assertThat(decoder.meanLoss(ROWS)).isEqualTo(before);
    }
  }

  @Test
  void aSavedFolderLoadsWithTheSameLoss() throws IOException {
    Path saved = folder.resolve("model");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.UNTIED, Arithmetic.FLOAT32)) {
      decoder.trainStep(ROWS, 1e-2);
      decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of("parent", "none"));
      try (TrainableDecoder loaded =
          TrainableDecoder.load(saved, Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
        assertThat(loaded.config()).isEqualTo(decoder.config());
        assertThat(loaded.meanLoss(ROWS)).isEqualTo(decoder.meanLoss(ROWS));
      }
    }
    assertThat(ModelManifest.read(saved).orElseThrow().notes()).containsEntry("parent", "none");
  }

  @Test
  void aFlippedBitIsCorruptWeights() throws IOException {
    Path saved = savedTiny();
    Path file = saved.resolve(ModelManifest.WEIGHTS);
    byte[] bytes = Files.readAllBytes(file);
    bytes[bytes.length - 5] ^= 1;
    Files.write(file, bytes);
    assertFails(saved, Reason.CORRUPT_WEIGHTS, "model.safetensors");
  }

  @Test
  void aMissingFileIsNamed() throws IOException {
    Path saved = savedTiny();
    Files.delete(saved.resolve("config.json"));
    assertFails(saved, Reason.INVALID_FOLDER, "config.json: the file is missing");
  }

  @Test
  void aWrongShapeIsNamedWithTheExpectedOne() throws IOException {
    Path saved = savedTiny();
    Files.delete(saved.resolve(ModelManifest.FILE)); // as a folder from elsewhere
    Path config = saved.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"intermediate_size\" : 24", "\"intermediate_size\" : 32"));
    assertFails(
        saved,
        Reason.INVALID_FOLDER,
        "tensor model.layers.0.mlp.gate_proj.weight: shape [24, 16] (expected: [32, 16])");
  }

  private Path savedTiny() throws IOException {
    Path saved = folder.resolve("model");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      decoder.save(saved, WeightType.BFLOAT16, tokenizer, Map.of());
    }
    return saved;
  }

  private static void assertFails(Path saved, Reason reason, String message) {
    assertThatThrownBy(
            () -> TrainableDecoder.load(saved, Arithmetic.FLOAT32, OptimizerOptions.pretraining()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining(message)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(reason);
  }

  @Test
  void badRowsAreNamed() {
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> decoder.trainStep(new int[][] {{1, 2}, {1}}, 1e-3))
          .hasMessageStartingWith("tokens[1]: 1 tokens");
      assertThatThrownBy(() -> decoder.trainStep(new int[][] {{1, 40}}, 1e-3))
          .hasMessageStartingWith("tokens[0][1]: 40");
      assertThatThrownBy(() -> decoder.trainStep(ROWS, Double.NaN))
          .hasMessageStartingWith("learning_rate: NaN");
    }
  }
}
