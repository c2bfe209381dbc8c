package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.WeightType;
import io.ballast.inference.torch.TrainingLanes.Plan;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumSet;
import java.util.IntSummaryStatistics;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentHashMap;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several threads learn what one would, and in the same bits each time. */
class TrainingLanesTest {
  /** Enough for three lanes of which each has several micro-batches. */
  private static final List<CompletionGroup> GROUPS = groups(600);

  /** Of unlike lengths, some without a token to predict. */
  private static List<CompletionGroup> groups(int count) {
    RandomGenerator random = new SplittableRandom(9);
    List<CompletionGroup> groups = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      groups.add(
          new CompletionGroup(
              tokens(random, 1 + i % 7),
              List.of(tokens(random, i % 5), tokens(random, 3 * (i % 6)))));
    }
    return groups;
  }

  private static TokenIds tokens(RandomGenerator random, int count) {
    return TokenIds.of(random.ints(count, 0, TinyModels.CONFIG.vocabularySize()).toArray());
  }

  private static TrainingOptions options(int lanes) {
    return TrainingOptions.of(OptimizerOptions.pretraining()).withCritic().withLanes(lanes);
  }

  private static TrainableDecoder decoder(Arithmetic arithmetic, int lanes) {
    return TrainableDecoder.create(
        TinyModels.CONFIG, arithmetic, options(lanes), new SplittableRandom(3));
  }

  private static TokenGradients gradients(int index, GroupScores scores) {
    return new TokenGradients(
        weights(scores.logProbs(), 1f / (index + 1)),
        weights(scores.logProbs(), -0.25f),
        weights(scores.logProbs(), 0.5f));
  }

  private static List<PerToken> weights(List<PerToken> like, float first) {
    List<PerToken> all = new ArrayList<>();
    for (PerToken completion : like) {
      float[] values = new float[completion.size()];
      for (int t = 0; t < values.length; t++) {
        values[t] = first / (t + 1);
      }
      all.add(PerToken.of(values));
    }
    return all;
  }

  private static double[] collected(TrainableDecoder decoder) {
    try (PointerScope scope = new PointerScope()) {
      Tensor gradients = decoder.trained().flatGradients();
      return Tensors.doubles(gradients);
    }
  }

  @Test
  void lanesAreNoMoreThanHaveEnoughToComputeAndFitTogetherIntoTwoMicroBatches() {
    assertThat(TrainingLanes.plan(equal(2, 300), 2)) // 600 tokens: for one lane
        .isEqualTo(new Plan(List.of(List.of(0, 1)), 1));
    assertThat(TrainingLanes.plan(equal(4, 320), 2))
        .isEqualTo(new Plan(List.of(List.of(0, 1), List.of(2, 3)), 2));
    assertThat(TrainingLanes.plan(equal(4, 320), 1))
        .isEqualTo(new Plan(List.of(List.of(0, 1, 2, 3)), 1));
    assertThat(TrainingLanes.plan(equal(8, 320), 2).batches()).hasSize(4); // 640 tokens a lane
    assertThat(TrainingLanes.plan(equal(3, 1_280), 2)) // longer than that, but 2,560 together
        .isEqualTo(new Plan(List.of(List.of(0), List.of(1), List.of(2)), 2));
    assertThat(TrainingLanes.plan(equal(3, 1_281), 2).lanes()).isEqualTo(1);
    assertThat(TrainingLanes.plan(List.of(), 2)).isEqualTo(new Plan(List.of(), 1));
  }

  @Test
  void ofUnlikeLengthsThoseOfEachMicroBatchAreAlikeAndNoneIsLeftOut() {
    Plan plan = TrainingLanes.plan(GROUPS, 3);
    List<List<Integer>> batches = plan.batches();

    assertThat(batches.stream().flatMap(List::stream))
        .containsExactlyInAnyOrderElementsOf(IntStream.range(0, GROUPS.size()).boxed().toList());
    for (int b = 0; b < batches.size(); b++) {
      IntSummaryStatistics lengths = lengths(batches.get(b));
      assertThat(plan.lanes() * lengths.getCount() * lengths.getMax())
          .as("what all lanes compute at a time, padding included")
          .isLessThanOrEqualTo(GroupComputation.TOKEN_BUDGET);
      assertThat(lengths.getMin())
          .isGreaterThanOrEqualTo(b == 0 ? 0 : lengths(batches.get(b - 1)).getMax());
    }
  }

  private static IntSummaryStatistics lengths(List<Integer> batch) {
    return batch.stream()
        .mapToInt(index -> PackedGroups.rowLength(GROUPS.get(index)))
        .summaryStatistics();
  }

  private static List<CompletionGroup> equal(int count, int tokens) {
    return Collections.nCopies(
        count, new CompletionGroup(TokenIds.of(new int[tokens]), List.of(TokenIds.of(1))));
  }

  @ParameterizedTest
  @EnumSource(Arithmetic.class)
  void severalLanesCollectWhatOneDoes(Arithmetic arithmetic) {
    try (TrainableDecoder one = decoder(arithmetic, 1);
        TrainableDecoder several = decoder(arithmetic, 3)) {
      List<GroupScores> scores = one.forwardBackward(GROUPS, TrainingLanesTest::gradients);

      List<GroupScores> same = several.forwardBackward(GROUPS, TrainingLanesTest::gradients);

      double tolerance = arithmetic == Arithmetic.FLOAT32 ? 1e-4 : 5e-2;
      double[] gradients = collected(one);
      double largest = Arrays.stream(gradients).map(Math::abs).max().orElseThrow();
      double rounding = arithmetic == Arithmetic.FLOAT32 ? 3e-7 * largest : tolerance;
      assertThat(collected(several)).containsExactly(gradients, within(rounding));
      for (int i = 0; i < GROUPS.size(); i++) {
        for (int g = 0; g < 2; g++) {
          assertThat(same.get(i).logProbs().get(g).toArray())
              .containsExactly(
                  scores.get(i).logProbs().get(g).toArray(), within((float) tolerance));
        }
      }
      assertThat(several.scores(GROUPS)).hasSameSizeAs(GROUPS);
    }
  }

  @Test
  void theSameBatchGivesTheSameBitsWhicheverLaneIsQuicker() {
    try (TrainableDecoder first = decoder(Arithmetic.FLOAT32, 3);
        TrainableDecoder second = decoder(Arithmetic.FLOAT32, 3)) {
      for (int step = 0; step < 5; step++) {
        first.forwardBackward(GROUPS, TrainingLanesTest::gradients);
        second.forwardBackward(
            GROUPS,
            (index, scores) -> {
              Thread.yield();
              return gradients(index, scores);
            });
        assertThat(collected(second)).isEqualTo(collected(first));
        assertThat(second.optimizerStep(1e-2)).isEqualTo(first.optimizerStep(1e-2));
      }
      assertThat(second.scores(GROUPS)).isEqualTo(first.scores(GROUPS));
    }
  }

  @Test
  void theLossIsAskedInOneOrderByOneThreadAtATimeButByMoreThanOne() {
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, 2)) {
      List<Integer> orders = new ArrayList<>(); // not synchronised: that is the contract
      Set<String> threads = ConcurrentHashMap.newKeySet();
      for (int times = 0; times < 2; times++) {
        decoder.forwardBackward(
            GROUPS,
            (index, scores) -> {
              orders.add(index);
              threads.add(Thread.currentThread().getName());
              return gradients(index, scores);
            });
      }

      assertThat(orders.subList(0, orders.size() / 2))
          .isEqualTo(orders.subList(orders.size() / 2, orders.size()));
      assertThat(threads).hasSize(2);
    }
  }

  @Test
  void aCheckpointGoesOnBitForBitOnAsManyLanes(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("checkpoint.safetensors");
    try (TrainableDecoder first = decoder(Arithmetic.FLOAT32, 2);
        TrainableDecoder second = decoder(Arithmetic.FLOAT32, 2)) {
      step(first);
      first.saveCheckpoint(file, Map.of());
      second.restoreCheckpoint(file);
      for (TrainableDecoder each : List.of(first, second)) {
        step(each);
      }
      assertThat(second.scores(GROUPS)).isEqualTo(first.scores(GROUPS));
    }
  }

  /** Of what two batches have collected. */
  private static void step(TrainableDecoder decoder) {
    decoder.forwardBackward(GROUPS, TrainingLanesTest::gradients);
    decoder.forwardBackward(GROUPS.subList(0, 200), TrainingLanesTest::gradients);
    decoder.optimizerStep(1e-2);
  }

  @Test
  void aFrozenDecoderOfTheSameWeightsSaysTheSameBitByBit(@TempDir Path folder) throws IOException {
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    Path model = folder.resolve("model");
    for (Arithmetic arithmetic : Arithmetic.values()) {
      try (TrainableDecoder learner =
          TrainableDecoder.create(
              TinyModels.CONFIG,
              arithmetic,
              TrainingOptions.of(OptimizerOptions.pretraining()).withLanes(3),
              new SplittableRandom(3))) {
        learner.save(model, WeightType.FLOAT32, tokenizer, Map.of());
        try (FrozenDecoder frozen = FrozenDecoder.load(model, arithmetic)) {
          assertThat(frozen.scores(GROUPS, 3)).isEqualTo(learner.scores(GROUPS));
        }
      }
    }
  }

  @Test
  void anErrorLeavesNothingCollected() {
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, 2)) {
      decoder.forwardBackward(GROUPS, TrainingLanesTest::gradients);
      assertThatThrownBy(
              () ->
                  decoder.forwardBackward(
                      GROUPS,
                      (index, scores) -> {
                        throw new OutOfMemoryError("told by a test");
                      }))
          .isInstanceOf(OutOfMemoryError.class);
      assertThat(collected(decoder)).containsOnly(0);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 40, 599})
  void whateverLaneFailsNothingStaysCollectedAndTheNextBatchIsLearned(int failing) {
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, 2);
        TrainableDecoder other = decoder(Arithmetic.FLOAT32, 2)) {
      assertThatThrownBy(
              () ->
                  decoder.forwardBackward(
                      GROUPS,
                      (index, scores) -> {
                        if (index == failing) {
                          throw new IllegalStateException("at " + index);
                        }
                        return gradients(index, scores);
                      }))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("at " + failing);
      assertThat(collected(decoder)).containsOnly(0);

      decoder.forwardBackward(GROUPS, TrainingLanesTest::gradients);
      other.forwardBackward(GROUPS, TrainingLanesTest::gradients);

      assertThat(collected(decoder)).isEqualTo(collected(other));
    }
  }

  @Test
  void batchesOfNoTokenAtAllPass() {
    List<CompletionGroup> silent =
        Collections.nCopies(
            120, new CompletionGroup(TokenIds.of(new int[20]), List.of(TokenIds.of())));
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, 2)) {
      assertThat(decoder.forwardBackward(silent, TrainingLanesTest::gradients)).hasSize(120);
      assertThat(decoder.forwardBackward(List.of(), TrainingLanesTest::gradients)).isEmpty();
      assertThat(collected(decoder)).containsOnly(0);
    }
  }

  @Test
  void adaptersLearnOnSeveralLanesToo(@TempDir Path folder) throws IOException {
    Path tokenizer = Files.writeString(folder.resolve("a-tokenizer.json"), "{}");
    Path model = folder.resolve("model");
    try (TrainableDecoder decoder = decoder(Arithmetic.FLOAT32, 1)) {
      decoder.save(model, WeightType.FLOAT32, tokenizer, Map.of());
    }
    LoraOptions adapters = new LoraOptions(2, 6, EnumSet.allOf(LoraProjection.class));
    try (FrozenDecoder base = FrozenDecoder.load(model, Arithmetic.FLOAT32);
        TrainableDecoder one =
            TrainableDecoder.adapting(base, adapters, options(1), new SplittableRandom(5));
        TrainableDecoder two =
            TrainableDecoder.adapting(base, adapters, options(2), new SplittableRandom(5))) {
      for (int step = 0; step < 3; step++) {
        one.forwardBackward(GROUPS, TrainingLanesTest::gradients);
        two.forwardBackward(GROUPS, TrainingLanesTest::gradients);
        assertThat(collected(two)).containsExactly(collected(one), within(1e-3));
        one.optimizerStep(1e-2);
        two.optimizerStep(1e-2);
      }
      assertThat(collected(two)).containsOnly(0);
    }
  }
}
