package io.ballast.inference.torch;

import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** An average of the weights follows them, is kept with them and can be saved in their place. */
class AveragedWeightsTest {
  private static final int[][] ROWS = TinyModels.rows(4, 17, 1);
  private static final List<CompletionGroup> GROUPS =
      List.of(new CompletionGroup(TokenIds.of(3, 17), List.of(TokenIds.of(1, 2, 3))));

  @TempDir private Path folder;

  @Test
  void byHand() {
    // d = 0.75 from θ = (4, −2): then θ = (8, −2) → 0.75·4 + 0.25·8 = 5, then θ = (1, 6) → 4, 0
    try (PointerScope scope = new PointerScope();
        AveragedWeights average = new AveragedWeights(Tensors.of(new double[] {4, -2}, 2), 0.75)) {
      average.follow(Tensors.of(new double[] {8, -2}, 2));
      assertThat(Tensors.doubles(average.flat())).containsExactly(5, -2);
      average.follow(Tensors.of(new double[] {1, 6}, 2));
      assertThat(Tensors.doubles(average.flat())).containsExactly(4, 0);
    }
  }

  @Test
  void itFollowsEveryStepOfTheRealNetwork() {
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT64, 0.9)) {
      double[] expected = doubles(decoder.weights().flat());
      for (int step = 0; step < 5; step++) {
        decoder.trainStep(ROWS, 1e-2);
        double[] weights = doubles(decoder.weights().flat());
        for (int i = 0; i < expected.length; i++) {
          expected[i] = 0.9 * expected[i] + 0.1 * weights[i];
        }
      }
      List<GroupScores> current = decoder.scores(GROUPS);
      double[] before = doubles(decoder.weights().flat());
      try (TrainableDecoder averaged = decoder(Arithmetic.FLOAT64, 0)) {
        write(averaged, expected);
        float[] average = logProbs(decoder.averageScores(GROUPS));
        assertThat(average).containsExactly(logProbs(averaged.scores(GROUPS)), within(1e-6f));
        assertThat(average).isNotEqualTo(logProbs(current));
      }
      assertThat(doubles(decoder.weights().flat())).isEqualTo(before);
      assertThat(decoder.scores(GROUPS)).isEqualTo(current);
    }
  }

  @Test
  void aDecayOfZeroIsTheWeightsThemselves() {
    try (TrainableDecoder decoder = decoder(Arithmetic.BFLOAT16_PRODUCTS, 0)) {
      assertThat(decoder.averageScores(GROUPS)).isEqualTo(decoder.scores(GROUPS));
      decoder.trainStep(ROWS, 1e-2);
      assertThat(decoder.averageScores(GROUPS)).isEqualTo(decoder.scores(GROUPS));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void itIsResumedBitForBitAndSavedAsAFolder(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    try (TrainableDecoder whole = decoder(arithmetic, 0.9);
        TrainableDecoder resumed =
            TrainableDecoder.create(
                TinyModels.CONFIG, arithmetic, options(0.9), new SplittableRandom(99))) {
      whole.trainStep(ROWS, 1e-2);
      whole.trainStep(ROWS, 1e-2);
      whole.saveCheckpoint(file, Map.of());
      resumed.restoreCheckpoint(file);
      whole.trainStep(ROWS, 1e-2);
      resumed.trainStep(ROWS, 1e-2);
      assertThat(resumed.averageScores(GROUPS)).isEqualTo(whole.averageScores(GROUPS));
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
      whole.saveAverage(folder.resolve("average"), WeightType.FLOAT32, tokenizer, Map.of());
      try (FrozenDecoder loaded = FrozenDecoder.load(folder.resolve("average"), arithmetic)) {
        assertThat(loaded.scores(GROUPS)).isEqualTo(whole.averageScores(GROUPS));
      }
    }
  }

  @Test
  void aCheckpointWithAnAverageIsNotOneWithout() throws IOException {
    Path with = folder.resolve("with.safetensors");
    Path without = folder.resolve("without.safetensors");
    try (TrainableDecoder plain = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        TrainableDecoder averaged = decoder(Arithmetic.FLOAT32, 0.9)) {
      averaged.saveCheckpoint(with, Map.of());
      plain.saveCheckpoint(without, Map.of());
      assertRefused(plain, with, ": average_decay: 0.9 (expected: absent)");
      assertRefused(averaged, without, ": average_decay: absent (expected: 0.9)");
      assertThatThrownBy(() -> plain.averageScores(GROUPS))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("average: none is kept");
    }
    assertThatThrownBy(() -> options(1)).hasMessage("average_decay: 1.0 (expected: ≥ 0 and < 1)");
  }

  private static void assertRefused(TrainableDecoder decoder, Path file, String message) {
    assertThatThrownBy(() -> decoder.restoreCheckpoint(file))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.INVALID_FOLDER))
        .hasMessage(file + message);
  }

  private static TrainingOptions options(double decay) {
    return TrainingOptions.of(OptimizerOptions.pretraining()).withAverage(decay);
  }

  private static TrainableDecoder decoder(Arithmetic arithmetic, double decay) {
    TorchRuntime.setThreads(1);
    return TrainableDecoder.create(
        TinyModels.CONFIG, arithmetic, options(decay), new SplittableRandom(7));
  }

  private static void write(TrainableDecoder decoder, double[] values) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.weights().write(0, Tensors.of(values, values.length));
      decoder.weights().changed();
    }
  }

  private static float[] logProbs(List<GroupScores> scores) {
    return scores.getFirst().logProbs().getFirst().toArray();
  }
}
