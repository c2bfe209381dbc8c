package io.ballast.policy.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.memory.MemoryBudget;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.HandedCopies;
import io.ballast.inference.torch.KeptVocabulary;
import io.ballast.inference.torch.OptimizerOptions;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TrainableDecoder;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.version.LoadedDecoder;
import io.ballast.policy.testing.TinyModel;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A version that was handed over is the one that its folder would have been. */
class HandedDecodersTest {
  private static final String HANDED = "tiny-rollout";

  @TempDir Path models;

  private final HandedCopies copies = new HandedCopies();
  private final MemoryBudget memory = new MemoryBudget(1L << 30);

  @BeforeEach
  void aModel() {
    TinyModel.writeTo(models);
  }

  private HandedDecoders decoders(MemoryBudget budget) {
    ServingOptions serving = ServingOptions.defaults();
    KeptVocabulary vocabulary = new KeptVocabulary();
    return new HandedDecoders(
        copies,
        new FolderDecoders(List.of(models), serving, budget, vocabulary),
        serving,
        budget,
        vocabulary);
  }

  private Path folder() {
    return models.resolve(TinyModel.NAME).resolve(TinyModel.VERSION);
  }

  /** Hands over what is also in the folder. */
  private HandedCopies.Hold hand() throws IOException {
    try (TrainableDecoder decoder =
        TrainableDecoder.load(folder(), Arithmetic.FLOAT32, OptimizerOptions.pretraining())) {
      return copies.hand(HANDED, "1", decoder.copy(folder().resolve("tokenizer.json")));
    }
  }

  private PinnedVersion handed() {
    return new PinnedVersion(HANDED, "1", TinyModel.sha256(models));
  }

  @Test
  void itIsToldAndDrawsAsFromItsFolder() throws IOException {
    HandedDecoders decoders = decoders(memory);
    LoadedDecoder ofFolder =
        decoders.load(
            new PinnedVersion(TinyModel.NAME, TinyModel.VERSION, TinyModel.sha256(models)));
    long taken = memory.takenBytes();
    try (HandedCopies.Hold hold = hand()) {
      assertThat(decoders.inspect(HANDED, "1"))
          .isEqualTo(decoders.inspect(TinyModel.NAME, TinyModel.VERSION));
      assertThat(decoders.folderSha256(HANDED, "1"))
          .isEqualTo(decoders.folderSha256(TinyModel.NAME, TinyModel.VERSION))
          .isEqualTo(hold.copy().contentSha256());
      LoadedDecoder ofHand = decoders.load(handed());
      hold.close(); // what is loaded has weights of its own
      assertThat(memory.takenBytes()).isEqualTo(2 * taken);
      assertThat(ofHand.folderSha256()).isEqualTo(ofFolder.folderSha256());
      try (Decoder first = ofFolder.decoder();
          Decoder second = ofHand.decoder()) {
        assertThat(generate(second)).isEqualTo(generate(first));
      }
    }
    assertThat(memory.takenBytes()).isZero();
  }

  private static Generation generate(Decoder decoder) {
    SamplingOptions sampling = SamplingOptions.builder().maxNewTokens(12).seed(5).build();
    GenerationRequest request = new GenerationRequest("int x", false, 0, sampling);
    return Await.result(decoder.generate(request, token -> {}).result());
  }

  @Test
  void whatItsGiverTookBackIsNotThere() throws IOException {
    hand().close();
    HandedDecoders decoders = decoders(memory);

    assertThat(decoders.folderSha256(HANDED, "1")).isEmpty();
    assertThatThrownBy(() -> decoders.inspect(HANDED, "1")).satisfies(is(Fault.UNKNOWN_MODEL));
    assertThatThrownBy(() -> decoders.load(handed())).satisfies(is(Fault.UNKNOWN_MODEL));
  }

  @Test
  void otherWeightsATokenizerThatChangedAndWhatNeverFitsAreRefused() throws IOException {
    try (HandedCopies.Hold hold = hand()) {
      assertThat(hold.copy().config().contextTokens()).isEqualTo(48);
      PinnedVersion others = new PinnedVersion(HANDED, "1", "0".repeat(64));
      assertThatThrownBy(() -> decoders(memory).load(others))
          .satisfies(is(Fault.CORRUPT_WEIGHTS))
          .hasMessageContaining("was registered with weights 000");
      assertThatThrownBy(() -> decoders(new MemoryBudget(1_000)).load(handed()))
          .satisfies(is(Fault.PRECONDITION_FAILED))
          .hasMessageStartingWith("tiny-rollout/1: needs ");
      PinnedVersion version = handed();
      Files.writeString(folder().resolve("tokenizer.json"), "{}");
      assertThatThrownBy(() -> decoders(memory).load(version))
          .satisfies(is(Fault.CORRUPT_WEIGHTS))
          .hasMessageStartingWith("tiny-rollout/1/tokenizer.json: SHA-256 ");
      assertThat(memory.takenBytes()).isZero();
    }
  }

  private static Consumer<Throwable> is(Fault fault) {
    return thrown ->
        assertThat(thrown)
            .isInstanceOfSatisfying(
                MeshException.class, e -> assertThat(e.fault()).isEqualTo(fault));
  }
}
