package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** What fails to open, or is closed, leaves nothing in native memory. */
class NativeLeaksTest {
  private static final int TIMES = 10;
  private static final LoraOptions ADAPTERS =
      new LoraOptions(2, 6, EnumSet.allOf(LoraProjection.class));
  private static final TrainingOptions OPTIONS =
      TrainingOptions.of(OptimizerOptions.pretraining()).withCritic().withAverage(0.5);

  @TempDir private Path folder;
  private Path model;

  @BeforeEach
  void aBase() throws IOException {
    model = folder.resolve("model");
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    try (TrainableDecoder decoder = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32)) {
      decoder.save(model, WeightType.FLOAT32, tokenizer, Map.of());
    }
  }

  /** Does it once, so that classes are there, and then so often that a single leak is seen. */
  private static void assertLeavesNothing(Runnable work) {
    work.run();
    long before = HeldPointers.withoutGarbage();
    for (int i = 0; i < TIMES; i++) {
      work.run();
    }
    assertThat(HeldPointers.now()).isLessThan(before + TIMES);
  }

  /** Lets so many draws succeed. */
  private static RandomGenerator endingAfter(int draws) {
    SplittableRandom random = new SplittableRandom(5);
    int[] left = {draws};
    return () -> {
      if (left[0]-- == 0) {
        throw new IllegalStateException("no more chance");
      }
      return random.nextLong();
    };
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void adaptersWhoseFirstNumbersCannotAllBeDrawn(Arithmetic arithmetic) {
    try (FrozenDecoder base = FrozenDecoder.load(model, arithmetic)) {
      assertLeavesNothing(
          () ->
              assertThatThrownBy(
                      () -> TrainableDecoder.adapting(base, ADAPTERS, OPTIONS, endingAfter(100)))
                  .hasMessage("no more chance"));
    }
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void weightsThatCannotAllBeDrawn(Arithmetic arithmetic) {
    assertLeavesNothing(
        () ->
            assertThatThrownBy(
                    () ->
                        TrainableDecoder.create(
                            TinyModels.CONFIG, arithmetic, OPTIONS, endingAfter(100)))
                .hasMessage("no more chance"));
  }

  @Test
  void filesThatDoNotHoldWhatTheirConfigurationSays() throws IOException {
    Files.delete(model.resolve(ModelManifest.FILE)); // as a folder from elsewhere
    Path config = model.resolve("config.json");
    Files.writeString(
        config,
        Files.readString(config)
            .replace("\"intermediate_size\" : 24", "\"intermediate_size\" : 32"));
    assertLeavesNothing(
        () ->
            assertThatThrownBy(() -> FrozenDecoder.load(model, Arithmetic.BFLOAT16_PRODUCTS))
                .hasMessageContaining("shape [24, 16] (expected: [32, 16])"));
    assertLeavesNothing(
        () ->
            assertThatThrownBy(() -> TrainableDecoder.load(model, Arithmetic.FLOAT32, OPTIONS))
                .hasMessageContaining("shape [24, 16] (expected: [32, 16])"));
  }

  @Test
  void anOptimizerBesideWhichAnAverageFindsNoRoom() {
    try (TrainedWeights weights =
        new TrainedWeights(new ParameterLayout(TinyModels.CONFIG), Arithmetic.FLOAT32, true)) {
      assertLeavesNothing(
          () ->
              assertThatThrownBy(() -> TrainingState.of(new AskedOnce(weights), OPTIONS))
                  .hasMessage("no more memory"));
    }
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void whatIsClosed(Arithmetic arithmetic) {
    assertLeavesNothing(
        () -> {
          try (FrozenDecoder base = FrozenDecoder.load(model, arithmetic);
              TrainableDecoder first =
                  TrainableDecoder.adapting(base, ADAPTERS, OPTIONS, new SplittableRandom(1));
              TrainableDecoder second = TrainableDecoder.load(model, arithmetic, OPTIONS);
              WeightsSnapshot snapshot = second.snapshot()) {
            assertThat(first.config()).isEqualTo(second.config()).isEqualTo(snapshot.config());
          }
        });
  }

  @Test
  void aClosedBaseIsUsedNoMore() {
    FrozenDecoder base = FrozenDecoder.load(model, Arithmetic.FLOAT32);
    List<CompletionGroup> groups =
        List.of(new CompletionGroup(TokenIds.of(3), List.of(TokenIds.of(1, 2))));
    assertThat(base.scores(groups)).hasSize(1);
    base.close();
    for (Runnable use :
        List.<Runnable>of(
            () -> base.scores(groups),
            () ->
                TrainableDecoder.adapting(base, ADAPTERS, OPTIONS, new SplittableRandom(1))
                    .close())) {
      assertThatThrownBy(use::run)
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.CLOSED))
          .hasMessage("the decoder is closed");
    }
  }

  /** Numbers that can be asked for once, as if memory ended then. */
  private static final class AskedOnce implements Trained {
    private final TrainedWeights weights;
    private boolean asked;

    AskedOnce(TrainedWeights weights) {
      this.weights = weights;
    }

    @Override
    public Tensor flat() {
      if (asked) {
        throw new IllegalStateException("no more memory");
      }
      asked = true;
      return weights.flat();
    }

    @Override
    public long decayedSize() {
      return weights.decayedSize();
    }

    @Override
    public long criticSize() {
      return weights.criticSize();
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
    public Trained beside() {
      return weights.beside();
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
