package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.DecoderStatistics;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.store.WeightType;
import io.ballast.kit.call.Lane;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many callers share every step, come and go, wait, give way, pause and leave; and what each gets
 * is what a plain loop in double precision says of it.
 */
class ContinuousBatchingTest {
  private static final long ROW_OF_64 =
      64 * 2 * 2 * 16 * 4; // tokens, layers, K and V, width, bytes
  private static final int CONTEXT = 256;

  @TempDir private static Path folder;
  private static ReferenceDecoder reference;

  @BeforeAll
  static void aModelOfRandomWeights() throws IOException {
    TorchRuntime.setThreads(1);
    try (TrainableDecoder model = TinyModels.trainable(config(), Arithmetic.FLOAT32)) {
      model.save(
          folder.resolve("model"), WeightType.FLOAT32, TinyTokenizer.write(folder), Map.of());
    }
    reference = new ReferenceDecoder(config(), folder.resolve("model"));
  }

  private static DecoderConfig config() {
    return new DecoderConfig(
        32, 48, 2, 4, 2, TinyTokenizer.vocabularySize(), CONTEXT, 1e-5, 10_000, true, 0, 0);
  }

  private static ServingOptions options() {
    return new ServingOptions(Arithmetic.FLOAT32, 8, 200, 512);
  }

  private static TorchDecoder decoder(ServingOptions options) {
    return TorchDecoder.load(folder.resolve("model"), options);
  }

  private static SamplingOptions sampling(double temperature, int newTokens, long seed) {
    return SamplingOptions.builder()
        .temperature(temperature)
        .maxNewTokens(newTokens)
        .seed(seed)
        .build();
  }

  private static GenerationRequest request(String prompt, SamplingOptions sampling) {
    return new GenerationRequest(prompt, false, 0, sampling);
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private static Generation generate(TorchDecoder decoder, GenerationRequest request) {
    return await(decoder.generate(request, token -> {}));
  }

  /** A text of so many tokens: none of its letters join. */
  private static String text(int tokens, long seed) {
    StringBuilder text = new StringBuilder();
    SplittableRandom random = new SplittableRandom(seed);
    for (int i = 0; i < tokens; i++) {
      text.append((char) ('A' + random.nextInt(26)));
    }
    return text.toString();
  }

  /** Every token has the log-probability that the reference computes, without a cache. */
  private static void requireAsReference(Generation generation, boolean greedy) {
    int[] all = generation.promptTokens().concat(generation.tokens()).toArray();
    double[][] logits = reference.logits(all);
    for (int t = 0; t < generation.tokens().size(); t++) {
      double[] row = logits[generation.promptTokens().size() + t - 1];
      double largest = Double.NEGATIVE_INFINITY;
      for (double logit : row) {
        largest = Math.max(largest, logit);
      }
      double sum = 0;
      for (double logit : row) {
        sum += Math.exp(logit - largest);
      }
      double logit = row[generation.tokens().get(t)];
      assertThat((double) generation.logProbs().get(t))
          .as("token %d of %s", t, generation)
          .isCloseTo(logit - largest - Math.log(sum), within(2e-4));
      if (greedy) {
        assertThat(logit).isCloseTo(largest, within(1e-5));
      }
    }
  }

  @Test
  void whoeverJoinsLeavesWaitsOrGivesWayIsWhatTheReferenceSays() {
    long limit = 10 * ROW_OF_64; // two long rows and a half
    SplittableRandom random = new SplittableRandom(11);
    AtomicLong most = new AtomicLong();
    List<GenerationHandle> handles = new ArrayList<>();
    List<Boolean> greedy = new ArrayList<>();
    try (TorchDecoder decoder =
        decoder(options().withKeyValueBytes(limit).withStepTokens(40).withPrefixCacheBytes(0))) {
      CountDownLatch batchBegan = new CountDownLatch(1);
      CountDownLatch allThere = new CountDownLatch(1);
      for (int i = 0; i < 30; i++) {
        Lane lane = i < 8 ? Lane.BATCH : Lane.values()[random.nextInt(3)];
        if (i == 8) {
          waitFor(batchBegan);
        }
        double temperature = random.nextInt(2);
        GenerationRequest request =
            request(
                    text(random.nextInt(1, 150), i % 7),
                    sampling(temperature, random.nextInt(5, 50), i))
                .of(lane, "tenant" + random.nextInt(3));
        boolean cancels = random.nextInt(6) == 0;
        GenerationHandle[] self = new GenerationHandle[1];
        CountDownLatch known = new CountDownLatch(1);
        self[0] =
            decoder.generate(
                request,
                token -> {
                  batchBegan.countDown();
                  waitFor(allThere);
                  most.accumulateAndGet(decoder.statistics().keyValueBytes(), Math::max);
                  if (cancels) {
                    waitFor(known);
                    self[0].cancel();
                  }
                });
        known.countDown();
        handles.add(self[0]);
        greedy.add(temperature == 0);
      }
      allThere.countDown();
      for (int i = 0; i < handles.size(); i++) {
        requireAsReference(await(handles.get(i)), greedy.get(i));
      }
      DecoderStatistics end = settled(decoder);
      assertThat(most.get()).isPositive().isLessThanOrEqualTo(limit);
      assertThat(end.preemptions()).isPositive();
      assertThat(end.keyValueReservedBytes()).isZero();
      assertThat(end.waiting() + end.activeRows()).isZero();
    }
  }

  /** What is counted once the step under way is over. */
  private static DecoderStatistics settled(TorchDecoder decoder) {
    assertThat(decoder.logProbs(List.of())).isEmpty();
    return decoder.statistics();
  }

  private static void waitFor(CountDownLatch latch) {
    try {
      assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aStepIsRoundedUpByAtMostAnEighthToFewNumbersOfRows() {
    Set<Integer> numbers = new TreeSet<>();
    for (int count = 1; count <= 2_048; count++) {
      int rounded = StepLane.rounded(count);
      assertThat(rounded).isBetween(count, count + count / 8);
      assertThat(StepLane.rounded(rounded)).isEqualTo(rounded);
      numbers.add(rounded);
    }
    assertThat(numbers).hasSize(16 + 8 * 7); // 1 to 16, and eight an octave up to 2,048
  }

  @Test
  void whatRoundsAStepUpIsDrawnByNobody() {
    // 21 rows are rounded to 22, and those that join them with a prompt to 24 and more
    try (TorchDecoder decoder = decoder(new ServingOptions(Arithmetic.FLOAT32, 32, 200, 512))) {
      List<GenerationHandle> handles =
          new ArrayList<>(decoder.generate(request(text(5, 1), sampling(1, 12, 3)), 21));
      for (int i = 0; i < 4; i++) {
        handles.add(decoder.generate(request(text(3, i), sampling(0, 9, i)), token -> {}));
      }
      for (int i = 0; i < handles.size(); i++) {
        requireAsReference(await(handles.get(i)), i >= 21);
      }
    }
  }

  @Test
  void aRowThatOutgrowsItsClassKeepsWhatItHas() {
    try (TorchDecoder decoder = decoder(options())) {
      Generation generation = generate(decoder, request("start", sampling(0, 240, 4)));
      assertThat(generation.tokens().size()).isGreaterThan(130);
      requireAsReference(generation, true);
    }
  }

  @Test
  void aPromptInChunksIsAPromptAtOnce() {
    GenerationRequest request = request(text(200, 3), sampling(0, 12, 0));
    try (TorchDecoder whole = decoder(options());
        TorchDecoder chunked =
            decoder(new ServingOptions(Arithmetic.FLOAT32, 8, 200, 33).withStepTokens(33))) {
      Generation atOnce = generate(whole, request);
      Generation inChunks = generate(chunked, request);
      assertThat(settled(chunked).steps()).isEqualTo(settled(whole).steps() + 6);
      assertThat(inChunks.tokens()).isEqualTo(atOnce.tokens());
      assertThat(inChunks.logProbs().toArray())
          .containsExactly(atOnce.logProbs().toArray(), within(1e-5f));
    }
  }

  @Test
  void aLongPromptDoesNotKeepOthersWaiting() {
    List<String> order = new ArrayList<>();
    try (TorchDecoder decoder = decoder(options().withStepTokens(33))) {
      CountDownLatch started = new CountDownLatch(1);
      CountDownLatch submitted = new CountDownLatch(1);
      GenerationHandle drawing =
          decoder.generate(
              request("A", sampling(1, 12, 1)),
              token -> {
                order.add("drawing");
                started.countDown();
                waitFor(submitted);
              });
      waitFor(started);
      GenerationHandle prompt =
          decoder.generate(request(text(190, 5), sampling(1, 1, 1)), t -> order.add("long"));
      submitted.countDown();
      await(drawing);
      await(prompt);
    }
    // 190 tokens in chunks of 32: a token is drawn beside each of the six
    assertThat(order.indexOf("long")).isBetween(6, 8);
  }

  @Test
  void aPrefixThatWasComputedIsNotComputedAgain() {
    GenerationRequest request = request(text(100, 8), sampling(1, 10, 3));
    try (TorchDecoder decoder = decoder(options())) {
      Generation missed = generate(decoder, request);
      assertThat(settled(decoder).prefixHitTokens()).isZero();
      Generation hit = generate(decoder, request);
      DecoderStatistics after = settled(decoder);
      assertThat(after.prefixHitTokens()).isEqualTo(96);
      assertThat(after.prefilledTokens()).isEqualTo(104);
      assertThat(after.prefixHitRate()).isEqualTo(0.48);
      assertThat(hit.tokens()).isEqualTo(missed.tokens());
      assertThat(hit.logProbs().toArray())
          .containsExactly(missed.logProbs().toArray(), within(1e-5f));
      GenerationRequest longer = request(text(100, 8) + "more", sampling(0, 3, 3));
      requireAsReference(generate(decoder, longer), true);
      assertThat(settled(decoder).prefixHitTokens()).isEqualTo(2 * 96);
    }
  }

  @Test
  void otherWeightsForgetThePrefixes() {
    GenerationRequest request = request(text(100, 8), sampling(0, 5, 3));
    try (TorchDecoder decoder = decoder(options());
        TrainableDecoder same = TinyModels.trainable(config(), Arithmetic.FLOAT32)) {
      generate(decoder, request);
      try (WeightsSnapshot weights = same.snapshot()) {
        decoder.replaceWeights(weights);
      }
      requireAsReference(generate(decoder, request), true);
      assertThat(settled(decoder).prefixHitTokens()).isZero();
    }
  }

  @Test
  void promptsThatBeginAlikeAreComputedOnceAlthoughTheyComeTogether() {
    try (TorchDecoder decoder = decoder(options())) {
      List<GenerationHandle> handles = new ArrayList<>();
      blocked(
          decoder,
          () -> {
            for (int i = 0; i < 4; i++) {
              handles.add(
                  decoder.generate(request(text(96, 9) + "abc" + i, sampling(0, 3, 0)), t -> {}));
            }
          });
      handles.forEach(handle -> requireAsReference(await(handle), true));
      assertThat(settled(decoder).prefixHitTokens()).isEqualTo(3 * 96);
    }
  }

  /** Holds the engine in a step while {@code submit} runs. */
  private static void blocked(TorchDecoder decoder, Runnable submit) {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    GenerationHandle blocker =
        decoder.generate(
            request("x", sampling(1, 1, 1)),
            token -> {
              started.countDown();
              waitFor(released);
            });
    waitFor(started);
    submit.run();
    released.countDown();
    await(blocker);
  }

  @Test
  void aBatchRowGivesWayAndGoesOnAsIfNothingHadHappened() {
    GenerationRequest batch =
        request("batch", sampling(0, 150, 0)).of(Lane.BATCH, "nobody in particular");
    GenerationRequest person = request(text(60, 1), sampling(0, 100, 0));
    try (TorchDecoder alone = decoder(options());
        TorchDecoder decoder = decoder(options().withKeyValueBytes(4 * ROW_OF_64))) {
      CountDownLatch started = new CountDownLatch(20);
      CountDownLatch asked = new CountDownLatch(1);
      GenerationHandle long1 =
          decoder.generate(
              batch,
              token -> {
                started.countDown();
                if (started.getCount() == 0) {
                  waitFor(asked); // or it might come to its end before
                }
              });
      waitFor(started);
      GenerationHandle urgent = decoder.generate(person, token -> {});
      CompletableFuture<Boolean> first =
          urgent.result().thenApply(generation -> !long1.result().isDone());
      asked.countDown();
      Generation served = await(urgent);
      assertThat(Await.result(first)).as("it goes before").isTrue();
      Generation resumed = await(long1);
      assertThat(settled(decoder).preemptions()).isPositive();
      assertThat(resumed.tokens()).isEqualTo(generate(alone, batch).tokens());
      assertThat(served.tokens()).isEqualTo(generate(alone, person).tokens());
      requireAsReference(resumed, true);
    }
  }

  @Test
  void whatCouldNeverFitIsRefusedWithTheArithmetic() {
    try (TorchDecoder decoder = decoder(options().withKeyValueBytes(2 * ROW_OF_64))) {
      assertThatThrownBy(() -> decoder.generate(request(text(100, 1), sampling(1, 64, 1)), t -> {}))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("prompt: 100 tokens + 64 new need 0.1 MB of keys and values, limit 0.0 MB");
      assertThat(generate(decoder, request(text(100, 1), sampling(1, 28, 1))).tokens().size())
          .isPositive();
    }
  }

  @Test
  void whoDoesNotReadHoldsNobodyUp() {
    GenerationRequest request = request("slow reader", sampling(1, 30, 3));
    try (TorchDecoder decoder = decoder(options())) {
      Generation expected = generate(decoder, request);
      List<Integer> read = new ArrayList<>();
      GenerationHandle[] slow = new GenerationHandle[1];
      CountDownLatch known = new CountDownLatch(1);
      CountDownLatch paused = new CountDownLatch(1);
      slow[0] =
          decoder.generate(
              request,
              token -> {
                waitFor(known);
                read.add(token.tokenId());
                if (read.size() == 5) {
                  slow[0].pause();
                  paused.countDown();
                }
              });
      known.countDown();
      waitFor(paused);
      for (int i = 0; i < 5; i++) {
        requireAsReference(
            generate(decoder, request(text(9 * i + 1, i), sampling(1, 40, i))), false);
      }
      assertThat(read).hasSize(5);
      assertThat(slow[0].result()).isNotDone();
      slow[0].resume();
      assertThat(await(slow[0]).tokens()).isEqualTo(expected.tokens());
    }
  }

  @Test
  void whoPausesCanStillLeave() {
    try (TorchDecoder decoder = decoder(options())) {
      GenerationHandle handle = decoder.generate(request("a", sampling(1, 200, 3)), token -> {});
      handle.pause();
      handle.cancel();
      assertThat(await(handle).stopReason()).isEqualTo(StopReason.CANCELLED);
    }
  }

  @Test
  void cancellingEndsWhateverStageItIsIn() {
    try (TorchDecoder decoder =
        decoder(new ServingOptions(Arithmetic.FLOAT32, 2, 200, 32).withStepTokens(32))) {
      List<GenerationHandle> handles = new ArrayList<>();
      blocked(
          decoder,
          () -> {
            for (int i = 0; i < 20; i++) {
              handles.add(decoder.generate(request(text(220, i), sampling(1, 30, i)), t -> {}));
            }
            handles.get(0).cancel(); // about to begin
            handles.get(15).cancel(); // in the queue
          });
      for (int i = 1; i < 20; i++) {
        handles.get(i).cancel(); // in its prompt, if it has come so far
      }
      for (GenerationHandle handle : handles) {
        Generation generation = await(handle);
        if (generation.tokens().size() < 30) {
          assertThat(generation.stopReason())
              .isIn(StopReason.CANCELLED, StopReason.END_OF_TEXT, StopReason.CONTEXT_FULL);
        }
      }
      assertThat(settled(decoder).activeRows()).isZero();
    }
  }

  @Test
  void closingUnderLoadEndsEveryGeneration() {
    List<GenerationHandle> handles = new ArrayList<>();
    TorchDecoder decoder = decoder(options());
    for (int i = 0; i < 50; i++) {
      handles.add(decoder.generate(request(text(150, i), sampling(1, 60, i)), t -> {}));
    }
    decoder.close();
    int closed = 0;
    for (GenerationHandle handle : handles) {
      try {
        await(handle);
      } catch (CompletionException e) {
        assertThat(e.getCause())
            .isInstanceOfSatisfying(
                ModelException.class, m -> assertThat(m.reason()).isEqualTo(Reason.CLOSED));
        closed++;
      }
    }
    assertThat(closed).isPositive();
  }
}
