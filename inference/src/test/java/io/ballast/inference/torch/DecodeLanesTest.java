package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
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
    try (WeightsSnapshot weights = model.snapshot()) {
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
  void theSharesAreAllRowsInOrder() {
    List<ArenaRows> rows = new ArrayList<>();
    for (int count : new int[] {5, 1, 20, 3}) {
      rows.add(new ArenaRows(new KeyValueArena(CONFIG, ScalarType.Float, 32), 0, count));
    }
    for (int lanes = 1; lanes <= 5; lanes++) {
      List<String> places = new ArrayList<>();
      for (int lane = 0; lane < lanes; lane++) {
        List<ArenaRows> share = StepComputation.share(rows, lane, lanes);
        assertThat(share.stream().mapToInt(ArenaRows::count).sum())
            .isBetween(29 / lanes, 29 / lanes + 1);
        share.forEach(part -> places.addAll(places(part)));
      }
      assertThat(places).isEqualTo(rows.stream().flatMap(part -> places(part).stream()).toList());
    }
  }

  private static List<String> places(ArenaRows part) {
    return IntStream.range(part.first(), part.first() + part.count())
        .mapToObj(place -> System.identityHashCode(part.arena()) + ":" + place)
        .toList();
  }
}
