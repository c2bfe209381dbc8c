package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.DecoderStatistics;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.Lane;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** In batch-invariant mode a completion is the same bit by bit whatever else is under way. */
class BatchInvarianceTest {
  private static final long ROW_OF_64 = 64 * 2 * 2 * 32 * 4;

  @TempDir private Path folder;

  /** Wide enough for the libraries to choose among kernels, in several classes of length. */
  private static DecoderConfig config() {
    return new DecoderConfig(
        96, 160, 2, 6, 2, TinyTokenizer.vocabularySize(), 256, 1e-5, 10_000, true, 0, 0);
  }

  private TorchDecoder decoder(Arithmetic arithmetic, ServingOptions options) throws IOException {
    return decoder(arithmetic, options, true);
  }

  private TorchDecoder decoder(Arithmetic arithmetic, ServingOptions options, boolean invariant)
      throws IOException {
    TorchRuntime.setThreads(1);
    HuggingFaceTokenizerAdapter tokenizer =
        HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    try (TrainableDecoder model = TinyModels.trainable(config(), arithmetic);
        WeightsSnapshot weights = model.snapshot()) {
      return TorchDecoder.of(weights, tokenizer, options.withBatchInvariant(invariant));
    }
  }

  private static ServingOptions options(Arithmetic arithmetic) {
    return new ServingOptions(arithmetic, 24, 400, 512).withStepTokens(100);
  }

  private static GenerationRequest request(int promptTokens, int newTokens, long seed) {
    StringBuilder text = new StringBuilder();
    SplittableRandom random = new SplittableRandom(seed / 3); // some prompts are the same
    for (int i = 0; i < promptTokens; i++) {
      text.append((char) ('A' + random.nextInt(26)));
    }
    double temperature = new double[] {0, 0.7, 1}[(int) (seed % 3)];
    return new GenerationRequest(
        text.toString(),
        false,
        0,
        SamplingOptions.builder()
            .temperature(temperature)
            .maxNewTokens(newTokens)
            .seed(seed)
            .build());
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private static void waitFor(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void everyBitIsTheSameAloneAndInCompany(Arithmetic arithmetic) throws IOException {
    List<GenerationRequest> requests = new ArrayList<>();
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 30; i++) {
      requests.add(request(1 + (i / 3) * 17 % 150, random.nextInt(2, 60), i));
    }
    List<Generation> alone = new ArrayList<>();
    try (TorchDecoder decoder = decoder(arithmetic, options(arithmetic).withPrefixCacheBytes(0))) {
      for (GenerationRequest request : requests) {
        alone.add(await(decoder.generate(request, token -> {})));
      }
    }
    try (TorchDecoder decoder = decoder(arithmetic, options(arithmetic))) {
      List<GenerationHandle> together = new ArrayList<>();
      for (GenerationRequest request : requests) {
        together.add(decoder.generate(request, token -> {}));
      }
      for (int i = 0; i < requests.size(); i++) {
        assertThat(await(together.get(i))).isEqualTo(alone.get(i));
      }
      // once more, with what the prefixes' cache has by now
      long before = decoder.statistics().prefixHitTokens();
      for (int i = 0; i < requests.size(); i++) {
        together.set(i, decoder.generate(requests.get(requests.size() - 1 - i), token -> {}));
      }
      for (int i = 0; i < requests.size(); i++) {
        assertThat(await(together.get(i))).isEqualTo(alone.get(requests.size() - 1 - i));
      }
      assertThat(decoder.statistics().prefixHitTokens()).isGreaterThan(before);
    }
  }

  /** With nothing to draw, a step takes on as many prompts as fit. */
  @ParameterizedTest
  @EnumSource(names = {"FLOAT32", "BFLOAT16_PRODUCTS"})
  void everyBitIsTheSameWhereManyPromptsBeginTogether(Arithmetic arithmetic) throws IOException {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 10; i++) {
      requests.add(request(20 + 13 * i, 20, 3 * i + 1));
    }
    assertSameInOneStep(requests, decoder(arithmetic, options(arithmetic)));
  }

  /** Five places padded to 16, of which 16 rows draw: as many, and yet not one each. */
  @Test
  void rowsThatShareAPromptDrawFromItAlsoWhereTheyAreAsManyAsPlaces() throws IOException {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 15; i++) {
      requests.add(request(20 + i / 3, 8, i));
    }
    requests.add(request(24, 8, 12));
    assertSameInOneStep(requests, decoder(Arithmetic.FLOAT32, options(Arithmetic.FLOAT32)));
  }

  /** The same without the mode: 17 places rounded up to 18, of which 18 rows draw. */
  @Test
  void asManyRowsAsRoundedPlacesDrawFromTheirOwn() throws IOException {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 17; i++) {
      requests.add(request(4 + i, 1, 3 * i));
    }
    requests.add(1, requests.getFirst());
    ServingOptions options = options(Arithmetic.FLOAT32).withPrefixCacheBytes(0);
    List<TokenIds> alone = new ArrayList<>();
    try (TorchDecoder decoder = decoder(Arithmetic.FLOAT32, options, false)) {
      for (GenerationRequest request : requests) {
        alone.add(await(decoder.generate(request, token -> {})).tokens());
      }
    }
    assertThat(Set.copyOf(alone)).hasSizeGreaterThan(1);
    try (TorchDecoder decoder = decoder(Arithmetic.FLOAT32, options, false)) {
      assertThat(inOneStep(requests, decoder)).extracting(Generation::tokens).isEqualTo(alone);
    }
  }

  private void assertSameInOneStep(List<GenerationRequest> requests, TorchDecoder decoder)
      throws IOException {
    try (decoder) {
      List<Generation> together = inOneStep(requests, decoder);
      List<Generation> alone = new ArrayList<>();
      for (GenerationRequest request : requests) {
        alone.add(await(decoder.generate(request, token -> {})));
      }
      assertThat(together).isEqualTo(alone);
    }
  }

  /** Asks while a step is under way after which nothing is drawn. */
  private static List<Generation> inOneStep(
      List<GenerationRequest> requests, TorchDecoder decoder) {
    CountDownLatch asked = new CountDownLatch(1);
    GenerationHandle first = decoder.generate(request(5, 1, 1), token -> waitFor(asked));
    List<GenerationHandle> together = new ArrayList<>();
    for (GenerationRequest request : requests) {
      together.add(decoder.generate(request, token -> {}));
    }
    asked.countDown();
    var unused = await(first);
    return together.stream().map(BatchInvarianceTest::await).toList();
  }

  @Test
  void everyBitIsTheSameAfterGivingWay() throws IOException {
    GenerationRequest batch = request(20, 150, 4).of(Lane.BATCH, "");
    ServingOptions small = options(Arithmetic.FLOAT32).withKeyValueBytes(4 * ROW_OF_64);
    Generation alone;
    try (TorchDecoder decoder = decoder(Arithmetic.FLOAT32, small)) {
      alone = await(decoder.generate(batch, token -> {}));
      assertThat(alone.tokens().size()).isGreaterThan(30);
    }
    try (TorchDecoder decoder = decoder(Arithmetic.FLOAT32, small)) {
      CountDownLatch began = new CountDownLatch(25);
      CountDownLatch asked = new CountDownLatch(1);
      GenerationHandle resumed =
          decoder.generate(
              batch,
              token -> {
                began.countDown();
                if (began.getCount() == 0) {
                  waitFor(asked);
                }
              });
      waitFor(began);
      GenerationHandle person = decoder.generate(request(30, 40, 9), token -> {});
      asked.countDown();
      await(person);
      assertThat(await(resumed)).isEqualTo(alone);
      DecoderStatistics statistics = decoder.statistics();
      assertThat(statistics.preemptions()).isPositive();
    }
  }
}
