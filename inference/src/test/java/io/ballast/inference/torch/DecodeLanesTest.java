package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.PrefillQueue.Chunk;
import io.ballast.inference.torch.StepComputation.Share;
import io.ballast.kit.call.Lane;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.global.torch.ScalarType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Steps shared out over several threads draw what one thread draws. */
class DecodeLanesTest {
  private static final int ROWS = 37;
  private static final DecoderConfig CONFIG =
      new DecoderConfig(
          32, 48, 2, 4, 2, TinyTokenizer.vocabularySize(), 256, 1e-5, 10_000, true, 0, 0);

  @TempDir private static Path folder;
  private static HuggingFaceTokenizerAdapter tokenizer;
  private static TrainableDecoder model;

  @BeforeAll
  static void aModelOfRandomWeights() throws IOException {
    TorchRuntime.setThreads(1);
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    model = TinyModels.trainable(CONFIG, Arithmetic.FLOAT32);
  }

  @AfterAll
  static void close() {
    model.close();
    tokenizer.close();
  }

  private static TorchDecoder decoder(int lanes) {
    return decoder(model, lanes);
  }

  private static TorchDecoder decoder(TrainableDecoder of, int lanes) {
    try (WeightsSnapshot weights = of.snapshot()) {
      return TorchDecoder.of(
          weights,
          tokenizer,
          new ServingOptions(Arithmetic.FLOAT32, 64, 64, 512).withDecodeLanes(lanes));
    }
  }

  /** Some of the rows begin long, so that there is more than one length class. */
  private static GenerationRequest request(int i) {
    return new GenerationRequest(
        "int x = ".repeat(1 + 5 * (i % 3)),
        false,
        0,
        SamplingOptions.builder().maxNewTokens(30 + i % 7).seed(i).build());
  }

  private static List<Generation> all(IntFunction<GenerationHandle> begin) {
    return IntStream.range(0, ROWS).mapToObj(begin).toList().stream()
        .map(handle -> handle.result().orTimeout(60, TimeUnit.SECONDS).join())
        .toList();
  }

  @Test
  void severalLanesDrawWhatOneDoesAndCallersAreToldByOneThread() {
    Set<String> threads = ConcurrentHashMap.newKeySet();
    try (TorchDecoder one = decoder(1);
        TorchDecoder several = decoder(3)) {
      List<Generation> expected = all(i -> one.generate(request(i), token -> {}));

      List<Generation> drawn =
          all(
              i ->
                  several.generate(
                      request(i), token -> threads.add(Thread.currentThread().getName())));

      assertThat(drawn)
          .extracting(Generation::tokens)
          .isEqualTo(expected.stream().map(Generation::tokens).toList());
      for (int i = 0; i < ROWS; i++) {
        assertThat(drawn.get(i).logProbs().toArray())
            .containsExactly(expected.get(i).logProbs().toArray(), within(1e-4f));
      }
      assertThat(threads).containsExactly("torch-decoder");
      assertThat(Thread.getAllStackTraces().keySet())
          .anyMatch(thread -> thread.getName().startsWith("torch-decoder-lane-"));
    }
  }

  @Test
  void theSameRequestGivesTheSameBitsWhicheverLaneIsQuicker() {
    List<List<PerToken>> logProbs = new ArrayList<>();
    List<List<TokenIds>> tokens = new ArrayList<>();
    for (int time = 0; time < 3; time++) {
      try (TorchDecoder decoder = decoder(2)) {
        List<GenerationHandle> handles = decoder.generate(request(4), ROWS);
        List<Generation> drawn = all(handles::get);
        logProbs.add(drawn.stream().map(Generation::logProbs).toList());
        tokens.add(drawn.stream().map(Generation::tokens).toList());
        assertThat(Thread.getAllStackTraces().keySet())
            .anyMatch(thread -> thread.getName().startsWith("torch-decoder-lane-"));
      }
    }
    assertThat(logProbs).allSatisfy(each -> assertThat(each).isEqualTo(logProbs.getFirst()));
    assertThat(tokens).allSatisfy(each -> assertThat(each).isEqualTo(tokens.getFirst()));
  }

  @Test
  void ofLargeWeightsOneRowIsComputedByAllLanesToo() {
    // 9.6 million numbers of 32 bits
    DecoderConfig large =
        new DecoderConfig(
            512, 1_536, 3, 8, 4, TinyTokenizer.vocabularySize(), 256, 1e-5, 10_000, true, 0, 0);
    try (TrainableDecoder of = TinyModels.trainable(large, Arithmetic.FLOAT32);
        TorchDecoder one = decoder(of, 1);
        TorchDecoder several = decoder(of, 3)) {
      Generation expected = one.generate(request(0), token -> {}).result().join();
      Set<Thread> before = Thread.getAllStackTraces().keySet();

      Generation drawn = several.generate(request(0), token -> {}).result().join();

      assertThat(drawn.tokens()).isEqualTo(expected.tokens());
      assertThat(drawn.logProbs().toArray())
          .containsExactly(expected.logProbs().toArray(), within(1e-4f));
      assertThat(Thread.getAllStackTraces().keySet())
          .as("its prompt is too short to be shared out")
          .anyMatch(
              thread ->
                  thread.getName().startsWith("torch-decoder-lane-") && !before.contains(thread));
    }
  }

  @Test
  void theSharesAreAllRowsInOrder() {
    List<ArenaRows> rows = rows(5, 1, 20, 3);
    for (int most = 1; most <= 5; most++) {
      List<Share> shares = StepComputation.shares(rows, List.of(), most);

      int lanes = Math.min(most, 29 / StepComputation.LEAST_ROWS);
      assertThat(shares)
          .hasSize(lanes)
          .allSatisfy(
              share ->
                  assertThat(share.rows().stream().mapToInt(ArenaRows::count).sum())
                      .isBetween(29 / lanes, 29 / lanes + 1));
      assertThat(shares)
          .flatExtracting(share -> places(share))
          .isEqualTo(rows.stream().flatMap(part -> places(part).stream()).toList());
    }
  }

  @Test
  void promptsAreSharedOutTooTheLongestFirstAndRowsMakeUpTheDifference() {
    List<Chunk> chunks = List.of(chunk(40), chunk(104), chunk(60));

    List<Share> shares = StepComputation.shares(rows(10), chunks, 2);

    assertThat(shares)
        .extracting(share -> share.chunks().stream().map(Chunk::size).toList())
        .containsExactly(List.of(104), List.of(60, 40));
    assertThat(shares)
        .extracting(share -> share.rows().stream().map(ArenaRows::first).toList())
        .containsExactly(List.of(0), List.of(3)); // 104 + 3 and 100 + 7
    assertThat(shares.getLast().rows().getFirst().count()).isEqualTo(7);
  }

  @Test
  void rowsGoBesideAPromptAndWhatIsLittleIsNotShared() {
    assertThat(StepComputation.shares(rows(3), List.of(chunk(64)), 3))
        .extracting(share -> share.chunks().size(), share -> share.rows().size())
        .containsExactly(tuple(1, 0), tuple(0, 1));
    assertThat(StepComputation.shares(rows(7), List.of(chunk(31)), 3)).hasSize(1);
    assertThat(StepComputation.shares(List.of(), List.of(chunk(200)), 3)).hasSize(1);
  }

  private static List<ArenaRows> rows(int... counts) {
    return Arrays.stream(counts)
        .mapToObj(count -> new ArenaRows(new KeyValueArena(CONFIG, ScalarType.Float, 32), 0, count))
        .toList();
  }

  private static Chunk chunk(int tokens) {
    VocabularyIndex vocabulary = new VocabularyIndex(tokenizer);
    GenerationRequest request = request(0);
    DecodeRow row =
        new DecodeRow(
            PreparedPrompt.of(request, tokenizer, vocabulary, CONFIG.contextTokens()),
            request.sampling(),
            1,
            vocabulary,
            null,
            Lane.BATCH,
            token -> {},
            () -> {},
            () -> 1L);
    return new Chunk(new PrefillJob(TokenIds.of(new int[tokens]), row, 0, 0), tokens);
  }

  private static List<String> places(Share share) {
    return share.rows().stream().flatMap(part -> places(part).stream()).toList();
  }

  private static List<String> places(ArenaRows part) {
    return IntStream.range(part.first(), part.first() + part.count())
        .mapToObj(place -> System.identityHashCode(part.arena()) + ":" + place)
        .toList();
  }
}
