package io.ballast.inference.torch;

import static io.ballast.inference.torch.LoraBase.ALL;
import static io.ballast.inference.torch.LoraBase.GROUPS;
import static io.ballast.inference.torch.LoraBase.ROWS;
import static io.ballast.inference.torch.LoraBase.SOME;
import static io.ballast.inference.torch.LoraBase.adapting;
import static io.ballast.inference.torch.LoraBase.train;
import static io.ballast.inference.torch.TensorNumbers.doubles;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Adapters learn on a decoder that stays as it is, and are a decoder with it. */
class LoraAdaptersTest {
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

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void atTheStartEveryNumberIsTheBases(Arithmetic arithmetic) {
    try (FrozenDecoder base = base(arithmetic);
        TrainableDecoder all = adapting(base, ALL);
        TrainableDecoder some = adapting(base, SOME)) {
      assertThat(all.scores(GROUPS)).isEqualTo(base.scores(GROUPS));
      assertThat(some.scores(GROUPS)).isEqualTo(base.scores(GROUPS));
    }
  }

  @Test
  void aIsNormalWithVarianceOneInItsWidthAndBIsZero() {
    try (FrozenDecoder base = base(Arithmetic.FLOAT64);
        TrainableDecoder decoder = adapting(base, ALL)) {
      double[] flat = doubles(decoder.trained().flat());
      // the first block's q_proj: A of 2·16 numbers, then B of 16·2
      double square = 0;
      for (int i = 0; i < 32; i++) {
        square += flat[i] * flat[i];
      }
      assertThat(square / 32).isBetween(0.5 / 16, 2.0 / 16);
      assertThat(Arrays.copyOfRange(flat, 32, 64)).containsOnly(0.0);
      // q 64, k and v 2·(16 + 8) each, o 64, gate and up 2·(16 + 24) each, down 80; two blocks
      assertThat(flat).hasSize(2 * (64 + 48 + 48 + 64 + 80 + 80 + 80));
    }
  }

  @Test
  void whatIsSavedIsTheBaseWithTheAdaptersAdded() throws IOException {
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, ALL)) {
      train(decoder, 5);
      Path saved = folder.resolve("merged");
      decoder.save(saved, WeightType.FLOAT32, tokenizer, Map.of());
      SafetensorsFile before = SafetensorsFile.open(model.resolve(ModelManifest.WEIGHTS));
      SafetensorsFile after = SafetensorsFile.open(saved.resolve(ModelManifest.WEIGHTS));
      assertThat(after.names()).isEqualTo(before.names());
      // q_proj of the first block, α/r = 3: W + 3·B·A, by three loops
      double[] flat = doubles(decoder.trained().flat());
      float[] w = before.read("model.layers.0.self_attn.q_proj.weight", List.of(16L, 16L));
      float[] merged = after.read("model.layers.0.self_attn.q_proj.weight", List.of(16L, 16L));
      double most = 0;
      for (int row = 0; row < 16; row++) {
        for (int column = 0; column < 16; column++) {
          double delta = 0;
          for (int r = 0; r < 2; r++) {
            delta += 3 * flat[32 + row * 2 + r] * flat[r * 16 + column];
          }
          int at = row * 16 + column;
          assertThat((double) merged[at]).isCloseTo(w[at] + delta, within(1e-6));
          most = Math.max(most, Math.abs(delta));
        }
      }
      assertThat(most).isGreaterThan(1e-3);
      for (String norm : List.of("model.norm.weight", "model.layers.1.input_layernorm.weight")) {
        assertThat(after.read(norm, List.of(16L))).isEqualTo(before.read(norm, List.of(16L)));
      }
      assertSays(decoder, saved);
    }
  }

  private static void assertSays(TrainableDecoder decoder, Path saved) {
    try (FrozenDecoder loaded = FrozenDecoder.load(saved, Arithmetic.FLOAT32);
        TrainableDecoder other = TinyModels.trainable(TinyModels.CONFIG, Arithmetic.FLOAT32);
        WeightsSnapshot snapshot = decoder.snapshot()) {
      snapshot.copyTo(other.weights());
      assertThat(other.scores(GROUPS)).isEqualTo(loaded.scores(GROUPS));
      for (int i = 0; i < GROUPS.size(); i++) {
        for (int g = 0; g < GROUPS.get(i).size(); g++) {
          assertThat(loaded.scores(GROUPS).get(i).logProbs().get(g).toArray())
              .containsExactly(
                  decoder.scores(GROUPS).get(i).logProbs().get(g).toArray(), within(1e-4f));
        }
      }
    }
  }

  @Test
  void gradientsAgreeWithCentralDifferencesInDouble() {
    int[][] row = {{11, 7, 6, 30, 2, 2, 19, 0, 5}};
    CompletionGroup group =
        new CompletionGroup(TokenIds.of(11), List.of(TokenIds.of(7, 6, 30, 2, 2, 19, 0, 5)));
    float[] byLogProb = new float[8];
    Arrays.fill(byLogProb, -1 / 8f);
    for (LoraOptions options : List.of(ALL, SOME)) {
      try (FrozenDecoder base = base(Arithmetic.FLOAT64);
          TrainableDecoder decoder = adapting(base, options)) {
        train(decoder, 5);
        decoder.forwardBackward(
            List.of(group),
            (index, scores) -> TokenGradients.ofLogProbs(List.of(PerToken.of(byLogProb))));
        double[] gradients = doubles(decoder.trained().flatGradients());
        double step = 1e-5;
        for (int at = 0; at < gradients.length; at += 7) {
          shift(decoder, at, step);
          double up = decoder.meanLoss(row);
          shift(decoder, at, -2 * step);
          double down = decoder.meanLoss(row);
          shift(decoder, at, step);
          assertThat(gradients[at])
              .as("number %d", at)
              .isCloseTo(
                  (up - down) / (2 * step), within(1e-7 * Math.max(1, Math.abs(gradients[at]))));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void theyLearnAndTheBaseStaysAsItIs(Arithmetic arithmetic) {
    try (FrozenDecoder base = base(arithmetic);
        TrainableDecoder decoder = adapting(base, ALL)) {
      List<GroupScores> before = base.scores(GROUPS);
      double first = decoder.meanLoss(ROWS);
      train(decoder, 100);
      assertThat(decoder.meanLoss(ROWS)).isLessThan(first - 0.5);
      assertThat(base.scores(GROUPS)).isEqualTo(before);
      assertThat(decoder.scores(GROUPS)).isNotEqualTo(before);
    }
  }

  @Test
  void severalLearnOnOneBaseAtATimeAsEachWouldAlone() throws Exception {
    List<List<GroupScores>> alone = new ArrayList<>();
    for (LoraOptions options : List.of(ALL, SOME)) {
      try (FrozenDecoder base = base(Arithmetic.FLOAT32);
          TrainableDecoder decoder = adapting(base, options)) {
        train(decoder, 20);
        alone.add(decoder.scores(GROUPS));
      }
    }
    List<List<GroupScores>> together = new ArrayList<>();
    try (FrozenDecoder base = base(Arithmetic.FLOAT32);
        TrainableDecoder first = adapting(base, ALL);
        TrainableDecoder second = adapting(base, SOME);
        ExecutorService threads = Executors.newFixedThreadPool(2)) {
      List<Callable<List<GroupScores>>> work = new ArrayList<>();
      for (TrainableDecoder decoder : List.of(first, second)) {
        work.add(
            () -> {
              TorchRuntime.setThreads(1);
              train(decoder, 20);
              return decoder.scores(GROUPS);
            });
      }
      for (Future<List<GroupScores>> future : threads.invokeAll(work)) {
        together.add(future.get());
      }
    }
    assertThat(together).isEqualTo(alone);
  }

  @ParameterizedTest
  @EnumSource(
      value = Arithmetic.class,
      names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void resumedTrainingEqualsUninterruptedTraining(Arithmetic arithmetic) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    TrainingOptions options =
        TrainingOptions.of(OptimizerOptions.pretraining()).withCritic().withAverage(0.9);
    try (FrozenDecoder base = base(arithmetic);
        TrainableDecoder whole =
            TrainableDecoder.adapting(base, ALL, options, new SplittableRandom(5));
        TrainableDecoder resumed =
            TrainableDecoder.adapting(base, ALL, options, new SplittableRandom(99))) {
      regress(whole);
      whole.saveCheckpoint(file, Map.of());
      resumed.restoreCheckpoint(file);
      regress(whole);
      regress(resumed);
      assertThat(resumed.scores(GROUPS)).isEqualTo(whole.scores(GROUPS));
      assertThat(resumed.averageScores(GROUPS)).isEqualTo(whole.averageScores(GROUPS));
      assertThat(whole.scores(GROUPS).getFirst().values().getFirst().sum()).isNotZero();
      // 928 numbers of adapters, 17 of the critic, four times in 32 bits, and a header
      assertThat(Files.size(file)).isBetween(945L * 16, 945L * 16 + 2_048);
    }
  }

  /** A step on log-probabilities and values. */
  private static void regress(TrainableDecoder decoder) {
    decoder.forwardBackward(
        GROUPS,
        (index, scores) -> {
          List<PerToken> ones = LossesByHand.all(scores, -1);
          return new TokenGradients(ones, List.of(), ones);
        });
    decoder.optimizerStep(1e-2);
  }

  @Test
  void aMatrixThatIsReadInPiecesIsMergedLikeAWholeOne() throws IOException {
    // down_proj has 16 rows of 20,000: a piece of 262,144 numbers ends in its fourteenth row
    DecoderConfig wide = new DecoderConfig(16, 20_000, 1, 4, 2, 40, 32, 1e-5, 10_000, true, 0, 0);
    Path large = folder.resolve("large");
    try (TrainableDecoder decoder = TinyModels.trainable(wide, Arithmetic.FLOAT32)) {
      decoder.save(large, WeightType.FLOAT32, tokenizer, Map.of());
    }
    LoraOptions down = new LoraOptions(1, 2, Set.of(LoraProjection.DOWN_PROJ));
    Path merged = folder.resolve("merged");
    try (FrozenDecoder base = FrozenDecoder.load(large, Arithmetic.FLOAT32);
        TrainableDecoder decoder = adapting(base, down)) {
      train(decoder, 2);
      decoder.save(merged, WeightType.FLOAT32, tokenizer, Map.of());
      String name = "model.layers.0.mlp.down_proj.weight";
      List<Long> shape = List.of(16L, 20_000L);
      float[] w = SafetensorsFile.open(large.resolve(ModelManifest.WEIGHTS)).read(name, shape);
      float[] sum = SafetensorsFile.open(merged.resolve(ModelManifest.WEIGHTS)).read(name, shape);
      double[] flat = doubles(decoder.trained().flat()); // A of 20,000, then B of 16; α/r = 2
      double most = 0;
      for (int i = 0; i < w.length; i += 97) {
        double delta = 2 * flat[20_000 + i / 20_000] * flat[i % 20_000];
        assertThat((double) sum[i]).as("number %d", i).isCloseTo(w[i] + delta, within(1e-6));
        most = Math.max(most, Math.abs(delta));
      }
      assertThat(most).isGreaterThan(1e-4);
    }
  }

  @Test
  void whatIsOutOfRangeIsNamed() {
    Set<LoraProjection> keys = Set.of(LoraProjection.K_PROJ);
    assertThatThrownBy(() -> new LoraOptions(0, 1, keys)).hasMessage("rank: 0 (expected: ≥ 1)");
    assertThatThrownBy(() -> new LoraOptions(1, Double.NaN, keys))
        .hasMessage("alpha: NaN (expected: > 0, finite)");
    assertThatThrownBy(() -> new LoraOptions(1, 1, Set.of()))
        .hasMessage("projections: none (expected: at least one)");
    try (FrozenDecoder base = base(Arithmetic.FLOAT32)) {
      assertThatThrownBy(() -> adapting(base, new LoraOptions(9, 1, keys)))
          .hasMessage(
              "rank: 9 (expected: ≤ 8, the lesser width of model.layers.0.self_attn.k_proj.weight)");
    }
  }

  private static void shift(TrainableDecoder decoder, int at, double change) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder.trained().flat().narrow(0, at, 1).add_(new Scalar(change));
      decoder.trained().changed();
    }
  }
}
