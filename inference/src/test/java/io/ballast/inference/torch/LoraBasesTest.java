package io.ballast.inference.torch;

import static io.ballast.inference.torch.LoraBase.ALL;
import static io.ballast.inference.torch.LoraBase.SOME;
import static io.ballast.inference.torch.LoraBase.adapting;
import static io.ballast.inference.torch.LoraBase.train;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Adapters belong to one base: what they are restored on, and what they are merged into. */
class LoraBasesTest {
  @TempDir private Path folder;
  private Path model;
  private Path tokenizer;
  private LoraBase trained;

  @BeforeEach
  void aBase() throws IOException {
    trained = new LoraBase(folder);
    model = trained.model;
    tokenizer = trained.tokenizer;
  }

  private FrozenDecoder base(Arithmetic arithmetic) {
    return trained.load(arithmetic);
  }

  @Test
  void aCheckpointFitsOnlyTheSameAdaptersOnTheSameBase() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    Path elsewhere = folder.resolve("elsewhere");
    try (TrainableDecoder other = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      other.save(elsewhere, WeightType.FLOAT32, tokenizer, Map.of());
    }
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        FrozenDecoder otherBase = FrozenDecoder.load(elsewhere, Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, SOME);
        TrainableDecoder all = adapting(base, ALL);
        TrainableDecoder others = adapting(otherBase, SOME);
        TrainableDecoder whole = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      decoder.saveCheckpoint(file, Map.of());
      assertRefused(
          all,
          file,
          "adapters: rank 3 on [Q_PROJ, V_PROJ] (expected: rank 2 on [Q_PROJ, K_PROJ, V_PROJ,");
      assertRefused(whole, file, "adapters: rank 3 on [Q_PROJ, V_PROJ] (expected: absent)");
      assertRefused(others, file, "base_sha256: " + base.weightsSha256());
    }
  }

  @Test
  void alphaIsPartOfWhatACheckpointFits() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder three = adapting(base, SOME);
        TrainableDecoder four = adapting(base, new LoraOptions(3, 4, SOME.projections()))) {
      three.saveCheckpoint(file, Map.of());
      assertRefused(four, file, "alpha: 3.0 (expected: 4.0)");
    }
  }

  @Test
  void basesWithoutAManifestAreToldApartByTheirWeights() throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    Path elsewhere = folder.resolve("elsewhere");
    try (TrainableDecoder other = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      other.save(elsewhere, WeightType.FLOAT32, tokenizer, Map.of());
    }
    String recorded = ModelManifest.weightsSha256Of(model);
    Files.delete(model.resolve(ModelManifest.FILE));
    Files.delete(elsewhere.resolve(ModelManifest.FILE));
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        FrozenDecoder otherBase = FrozenDecoder.load(elsewhere, Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, SOME);
        TrainableDecoder others = adapting(otherBase, SOME)) {
      assertThat(base.weightsSha256()).isEqualTo(recorded);
      decoder.saveCheckpoint(file, Map.of());
      assertRefused(others, file, "base_sha256: " + recorded + " (expected: ");
      decoder.restoreCheckpoint(file);
    }
  }

  @Test
  void theBaseItIsReadFromCannotBeWhereItIsSaved() throws IOException {
    byte[] before = Files.readAllBytes(model.resolve(ModelManifest.WEIGHTS));
    Path alias = Files.createSymbolicLink(folder.resolve("alias"), model);
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder decoder =
            TrainableDecoder.adapting(
                base,
                SOME,
                TrainingOptions.of(OptimizerOptions.pretraining()).withAverage(0.5),
                new SplittableRandom(5))) {
      train(decoder, 2);
      for (Path target : List.of(model, alias)) {
        assertThatThrownBy(() -> decoder.save(target, WeightType.FLOAT32, tokenizer, Map.of()))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageStartingWith("folder: " + target + " (expected: another than the adapters'");
        assertThatThrownBy(
                () -> decoder.saveAverage(target, WeightType.FLOAT32, tokenizer, Map.of()))
            .isInstanceOf(IllegalArgumentException.class);
      }
      assertThat(Files.readAllBytes(model.resolve(ModelManifest.WEIGHTS))).isEqualTo(before);
      decoder.save(folder.resolve("merged"), WeightType.FLOAT32, tokenizer, Map.of());
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aBaseThatIsNoLongerWhatItWasIsNotMergedInto(boolean withManifest) throws IOException {
    Path weights = model.resolve(ModelManifest.WEIGHTS);
    if (!withManifest) {
      Files.delete(model.resolve(ModelManifest.FILE));
    }
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, SOME)) {
      byte[] whole = Files.readAllBytes(weights);
      byte[] flipped = whole.clone();
      flipped[flipped.length - 5] ^= 1;
      Files.write(weights, flipped);
      Path saved = folder.resolve("merged");
      assertThatThrownBy(() -> decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of()))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT_WEIGHTS))
          .hasMessageContaining("(expected: " + base.weightsSha256());
      assertThat(saved).doesNotExist();
      Files.write(weights, whole);
      decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of());
    }
  }

  @Test
  void aBaseWithAnotherManifestIsAnotherBase() throws IOException {
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, SOME)) {
      try (TrainableDecoder other = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
        other.save(model, WeightType.FLOAT32, tokenizer, Map.of());
      }
      assertThatThrownBy(
              () -> decoder.save(folder.resolve("merged"), WeightType.FLOAT32, tokenizer, Map.of()))
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CORRUPT_WEIGHTS))
          .hasMessageEndingWith(
              "(expected: " + base.weightsSha256() + ", as when they were loaded)");
    }
  }

  private static void assertRefused(TrainableDecoder decoder, Path file, String message) {
    assertThatThrownBy(() -> decoder.restoreCheckpoint(file))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessageStartingWith(file + ": " + message);
  }
}
