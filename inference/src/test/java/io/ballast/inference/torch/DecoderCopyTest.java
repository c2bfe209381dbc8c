package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightType;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A copy of weights in training is, bit for bit, the folder that was not written. */
class DecoderCopyTest {
  private static final MemoryBudget ROOM = new MemoryBudget(1L << 30);
  private static final TrainingOptions OPTIONS =
      TrainingOptions.of(OptimizerOptions.pretraining()).withCritic();

  @TempDir private Path folder;
  private Path tokenizer;

  @BeforeEach
  void aTokenizer() throws IOException {
    tokenizer = TinyTokenizer.write(Files.createDirectory(folder.resolve("tokenizer")));
  }

  private static TrainableDecoder trained(Arithmetic arithmetic) {
    TorchRuntime.setThreads(1);
    DecoderConfig config =
        new DecoderConfig(
            32, 48, 2, 4, 2, TinyTokenizer.vocabularySize(), 64, 1e-5, 10_000, true, 0, 0);
    TrainableDecoder decoder =
        TrainableDecoder.create(config, arithmetic, OPTIONS, new SplittableRandom(7));
    train(decoder);
    return decoder;
  }

  private static void train(TrainableDecoder decoder) {
    for (int i = 0; i < 3; i++) {
      decoder.trainStep(TinyModels.rows(4, 17, 2), 1e-2);
    }
  }

  private void assertSame(TrainableDecoder decoder, Arithmetic arithmetic) throws IOException {
    Path saved = folder.resolve("saved");
    decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of("run_id", "r"));
    ModelManifest manifest = ModelManifest.read(saved).orElseThrow();
    ServingOptions options = new ServingOptions(arithmetic, 4, 6, 64);
    try (DecoderCopy copy = decoder.copy(tokenizer)) {
      assertThat(copy.weightsSha256()).isEqualTo(manifest.weightsSha256().orElseThrow());
      assertThat(copy.contentSha256()).isEqualTo(manifest.contentSha256());
      assertThat(copy.config()).isEqualTo(DecoderConfig.read(saved));
      Generation read;
      try (TorchDecoder ofFolder =
          TorchDecoder.load(saved, options, "m/1", ROOM, new KeptVocabulary())) {
        read = generate(ofFolder);
      }
      train(decoder); // what goes on is none of the copy's
      try (TorchDecoder ofCopy =
          TorchDecoder.load(copy, options, "m/1", ROOM, new KeptVocabulary())) {
        assertThat(generate(ofCopy)).isEqualTo(read);
      }
    }
  }

  private static Generation generate(TorchDecoder decoder) {
    SamplingOptions sampling = SamplingOptions.builder().maxNewTokens(12).seed(5).build();
    GenerationRequest request = new GenerationRequest("int x", false, 0, sampling);
    return Await.result(decoder.generate(request, token -> {}).result());
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void checksumsAndCompletionsAreThoseOfTheFolder(Arithmetic arithmetic) throws IOException {
    try (TrainableDecoder decoder = trained(arithmetic)) {
      assertSame(decoder, arithmetic);
    }
  }

  @Test
  void adaptersAreAddedToTheirBase() throws IOException {
    Path base = folder.resolve("base");
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      decoder.save(base, WeightType.FLOAT32, tokenizer, Map.of());
    }
    try (FrozenDecoder frozen = FrozenDecoder.load(base, Arithmetic.FLOAT32);
        TrainableDecoder decoder =
            TrainableDecoder.adapting(frozen, LoraBase.ALL, OPTIONS, new SplittableRandom(5))) {
      train(decoder);
      assertSame(decoder, Arithmetic.FLOAT32);

      Files.delete(base.resolve(ModelManifest.WEIGHTS));
      assertThatThrownBy(() -> decoder.copy(tokenizer))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("the file is missing");
    }
  }

  @Test
  void itsDecoderTakesItsShareOfTheBudgetUntilItIsClosed() throws IOException {
    ServingOptions options = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 64);
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32);
        DecoderCopy copy = decoder.copy(tokenizer)) {
      long need = TorchDecoder.memoryNeed(copy.config(), options).bytes();
      MemoryBudget budget = new MemoryBudget(2 * need - 1);
      KeptVocabulary vocabulary = new KeptVocabulary();
      try (TorchDecoder first = TorchDecoder.load(copy, options, "m/1", budget, vocabulary)) {
        assertThat(budget.takenBytes()).isEqualTo(need);
        assertThatThrownBy(() -> TorchDecoder.load(copy, options, "m/2", budget, vocabulary))
            .isInstanceOfSatisfying(
                ModelException.class,
                e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.NO_MEMORY));
        assertThat(first.contextTokens()).isEqualTo(64);
      }
      assertThat(budget.takenBytes()).isZero();

      Files.writeString(tokenizer, " ", StandardOpenOption.APPEND);
      assertThatThrownBy(() -> TorchDecoder.load(copy, options, "m/1", budget, vocabulary))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.CORRUPT_WEIGHTS))
          .hasMessageStartingWith(tokenizer + ": SHA-256 ");
      assertThat(budget.takenBytes()).isZero();
    }
  }

  @Test
  void aWeightThatIsNotFiniteIsNamed() {
    try (TrainableDecoder decoder = trained(Arithmetic.FLOAT32)) {
      try (PointerScope scope = new PointerScope();
          NoGradGuard off = new NoGradGuard()) {
        decoder.weights().write(3, Tensors.of(new float[] {Float.NaN}, 1));
      }
      assertThatThrownBy(() -> decoder.copy(tokenizer))
          .isInstanceOfSatisfying(
              ModelException.class,
              e -> assertThat(e.reason()).isEqualTo(ModelException.Reason.BROKEN))
          .hasMessage("tensor model.embed_tokens.weight[3]: NaN (expected: finite)");
    }
  }
}
