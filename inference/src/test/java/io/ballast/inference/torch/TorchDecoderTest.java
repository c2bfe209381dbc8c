package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.TokenScores;
import io.ballast.inference.store.WeightType;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Completions are drawn side by side, and each is what it would have been alone. */
class TorchDecoderTest {
  private static final String LOOP = "int x = print();";
  private static final ServingOptions OPTIONS = new ServingOptions(Arithmetic.FLOAT32, 4, 6, 64);

  @TempDir private static Path shared;
  private static Path checkpoint;

  @TempDir private Path folder;
  private HuggingFaceTokenizerAdapter tokenizer;
  private TrainableDecoder trained;
  private TorchDecoder decoder;

  @BeforeAll
  static void aModelLearnsOneLine() throws IOException {
    TorchRuntime.setThreads(1);
    checkpoint = shared.resolve("checkpoint.safetensors");
    Path file = TinyTokenizer.write(shared);
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.load(file, 0);
        TrainableDecoder learner = TinyModels.trainable(config(), Arithmetic.FLOAT32)) {
      int[][] rows = {tokenizer.encode(LOOP.repeat(8)).slice(0, 64).toArray()};
      for (int i = 0; i < 200; i++) {
        learner.trainStep(rows, 1e-2);
      }
      learner.saveCheckpoint(checkpoint, Map.of());
    }
  }

  private static DecoderConfig config() {
    return new DecoderConfig(
        32, 48, 2, 4, 2, TinyTokenizer.vocabularySize(), 64, 1e-5, 10_000, true, 0, 0);
  }

  @BeforeEach
  void start() throws IOException {
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    trained = TinyModels.trainable(config(), Arithmetic.FLOAT32);
    trained.restoreCheckpoint(checkpoint);
    try (WeightsSnapshot weights = trained.snapshot()) {
      decoder = TorchDecoder.of(weights, tokenizer, OPTIONS);
    }
  }

  @AfterEach
  void close() {
    decoder.close();
    trained.close();
    tokenizer.close();
  }

  private static GenerationRequest request(String prompt, SamplingOptions sampling) {
    return new GenerationRequest(prompt, false, 0, sampling);
  }

  private static SamplingOptions sampled(int maxNewTokens, long seed) {
    return SamplingOptions.builder().maxNewTokens(maxNewTokens).seed(seed).build();
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private Generation generate(GenerationRequest request) {
    return await(decoder.generate(request, token -> {}));
  }

  @Test
  void greedyDecodingGoesOnAsItHasLearned() {
    Generation generation = generate(request(LOOP + "int x", SamplingOptions.greedy(6)));
    assertThat((LOOP + "int x" + generation.text())).startsWith(LOOP + "int x = print");
    assertThat(generation.stopReason()).isEqualTo(StopReason.MAX_TOKENS);
    assertThat(generation.tokens().size()).isEqualTo(6);
    assertThat(generation.samplingLogProbs().sum()).isZero();
  }

  @Test
  void logProbsWithTheCacheEqualThoseOfTheWholeSequenceAtOnce() {
    for (String prompt : List.of("i", LOOP, "something else entirely")) {
      Generation generation = generate(request(prompt, sampled(12, 5)));
      PerToken whole =
          decoder
              .logProbs(
                  List.of(new PromptAndCompletion(generation.promptTokens(), generation.tokens())))
              .getFirst();
      assertThat(generation.logProbs().toArray()).containsExactly(whole.toArray(), within(1e-4f));
      assertThat(generation.samplingLogProbs().toArray())
          .containsExactly(whole.toArray(), within(1e-4f));
    }
  }

  @Test
  void theSameSeedDrawsTheSameTokensWhateverSharesTheBatch() {
    GenerationRequest request = request(LOOP, sampled(10, 42));
    Generation alone = generate(request);
    List<GenerationHandle> others = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      others.add(decoder.generate(request("x".repeat(1 + 9 * i), sampled(4 + 7 * i, i)), t -> {}));
    }
    assertThat(generate(request).tokens()).isEqualTo(alone.tokens());
    others.forEach(TorchDecoderTest::await);
  }

  @Test
  void rowsJoinAndLeaveAndEachIsWhatItIsAlone() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 9; i++) {
      requests.add(request(LOOP.substring(i), sampled(1 + (i * 5) % 13, i)));
    }
    List<TokenIds> alone = requests.stream().map(r -> generate(r).tokens()).toList();
    // four places, so that the others wait for one to end
    List<GenerationHandle> together =
        requests.stream().map(r -> decoder.generate(r, t -> {})).toList();
    assertThat(together.stream().map(h -> await(h).tokens()).toList()).isEqualTo(alone);
  }

  @Test
  void manyCompletionsOfOnePromptAreTheOnesOfTheirSeeds() {
    GenerationRequest request = request(LOOP, sampled(8, 7));
    List<GenerationHandle> handles = decoder.generate(request, 6);
    for (int i = 0; i < 6; i++) {
      Generation single = generate(request.withSeed(Decoder.seedOf(7, i)));
      assertThat(await(handles.get(i)).tokens()).isEqualTo(single.tokens());
    }
    assertThat(await(handles.get(0)).tokens()).isEqualTo(generate(request).tokens());
  }

  @Test
  void aStopStringEndsTheTextBeforeIt() {
    SamplingOptions stop =
        SamplingOptions.builder()
            .temperature(0)
            .maxNewTokens(20)
            .stopStrings(List.of("= pr"))
            .build();
    Generation generation = generate(request(LOOP + "int x", stop));
    assertThat(generation.text()).isEqualTo(" ");
    assertThat(generation.stopReason()).isEqualTo(StopReason.STOP_STRING);
  }

  @Test
  void streamedTextIsTheWholeText() {
    List<String> pieces = Collections.synchronizedList(new ArrayList<>());
    Generation generation =
        await(decoder.generate(request(LOOP, sampled(15, 3)), token -> pieces.add(token.text())));
    assertThat(String.join("", pieces)).isEqualTo(generation.text());
  }

  @Test
  void aCursorInsideATokenIsHealed() {
    // " pri" was never trained on: the line has "print" as one token
    GenerationRequest healed =
        new GenerationRequest(LOOP + "int x = pri", true, 0, SamplingOptions.greedy(3));
    Generation generation = generate(healed);
    assertThat("pri" + generation.text()).startsWith("print();");
    assertThat(generation.promptTokens()).isEqualTo(tokenizer.encode(LOOP + "int x = "));
    assertThat(tokenizer.decode(generation.tokens())).startsWith("print();");
  }

  @Test
  void theEndOfTextTokenEndsAndIsNotPartOfTheCompletion() {
    int[] ended = tokenizer.encode("done();").concat(TokenIds.of(0)).toArray();
    for (int i = 0; i < 60; i++) {
      trained.trainStep(new int[][] {ended}, 1e-2);
    }
    try (WeightsSnapshot weights = trained.snapshot()) {
      decoder.replaceWeights(weights);
    }
    Generation generation = generate(request("done();", SamplingOptions.greedy(5)));
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    assertThat(generation.tokens().size()).isZero();
    assertThat(generation.text()).isEmpty();
  }

  @Test
  void aFullContextEnds() {
    Generation generation = generate(request("ab", SamplingOptions.greedy(4_096)));
    assertThat(generation.stopReason()).isEqualTo(StopReason.CONTEXT_FULL);
    assertThat(generation.promptTokens().size() + generation.tokens().size()).isEqualTo(64);
  }

  @Test
  void aCancelledGenerationReturnsWhatThereIs() throws InterruptedException {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    GenerationHandle handle =
        decoder.generate(request("a", sampled(60, 1)), token -> waitAfterFirst(started, cancelled));
    assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
    handle.cancel();
    cancelled.countDown();
    Generation generation = await(handle);
    assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
    assertThat(generation.tokens().size()).isEqualTo(1);
  }

  private static void waitAfterFirst(CountDownLatch started, CountDownLatch released) {
    started.countDown();
    try {
      released.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Test
  void aCallerThatThrowsHurtsOnlyItself() {
    GenerationHandle bad =
        decoder.generate(
            request("a", sampled(5, 1)),
            token -> {
              throw new IllegalStateException("mine");
            });
    assertThat(generate(request("a", sampled(5, 1))).tokens().size()).isPositive();
    assertThatThrownBy(() -> bad.result().get())
        .isInstanceOf(ExecutionException.class)
        .hasRootCauseMessage("mine");
  }

  @Test
  void whateverEndsTheEngineNobodyWaitsForEver() throws InterruptedException {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    GenerationHandle other =
        decoder.generate(
            request(LOOP, SamplingOptions.greedy(40)), t -> waitAfterFirst(started, released));
    assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
    GenerationHandle bad =
        decoder.generate(
            request("a", sampled(5, 1)),
            token -> {
              throw new AssertionError("a bug");
            });
    released.countDown();
    for (GenerationHandle handle : List.of(other, bad)) {
      assertThatThrownBy(() -> handle.result().get(60, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(ModelException.class)
          .hasMessageContaining("the decoder was closed");
    }
  }

  @Test
  void aFullQueueRefusesAtOnce() throws InterruptedException {
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    List<GenerationHandle> handles = new ArrayList<>();
    handles.add(
        decoder.generate(request("a", sampled(9, 1)), t -> waitAfterFirst(started, released)));
    assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
    handles.addAll(decoder.generate(request("b", sampled(3, 1)), 6));
    assertThatThrownBy(() -> decoder.generate(request("c", sampled(3, 1)), 5))
        .isInstanceOf(ModelException.class)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(Reason.OVERLOADED);
    released.countDown();
    handles.forEach(TorchDecoderTest::await);
  }

  @Test
  void aCompletionThatWouldBeginTooLateIsRefusedAtOnce() throws InterruptedException {
    var unused = generate(request("a", sampled(3, 1))); // tells how long a place is kept
    CountDownLatch started = new CountDownLatch(1);
    CountDownLatch released = new CountDownLatch(1);
    List<GenerationHandle> handles = new ArrayList<>();
    handles.add(
        decoder.generate(request("a", sampled(9, 1)), t -> waitAfterFirst(started, released)));
    assertThat(started.await(60, TimeUnit.SECONDS)).isTrue();
    handles.addAll(decoder.generate(request("b", sampled(3, 1)), 6));
    assertThatThrownBy(
            () ->
                decoder.generate(
                    request("c", sampled(3, 1)).within(Optional.of(Duration.ofNanos(1))), t -> {}))
        .isInstanceOf(BusyException.class)
        .hasMessageStartingWith("queue: a completion waits some ");
    handles.add(
        decoder.generate(
            request("c", sampled(3, 1)).within(Optional.of(Duration.ofHours(1))), t -> {}));
    released.countDown();
    handles.forEach(TorchDecoderTest::await);
  }

  @Test
  void logitsThatAreNotFiniteAreBrokenAndTheNextWeightsWork() {
    try (WeightsSnapshot good = trained.snapshot()) {
      breakWeights();
      try (WeightsSnapshot bad = trained.snapshot()) {
        decoder.replaceWeights(bad);
      }
      GenerationHandle handle = decoder.generate(request("a", sampled(5, 1)), token -> {});
      assertThatThrownBy(() -> await(handle))
          .cause()
          .isInstanceOfSatisfying(
              ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.BROKEN))
          .hasMessage("logits: not all are finite");
      decoder.replaceWeights(good);
    }
    assertThat(generate(request("a", sampled(5, 1))).logProbs().sum()).isFinite();
  }

  private void breakWeights() {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      trained.weights().flat().narrow(0, 0, 1).fill_(new Scalar(Double.NaN));
    }
  }

  @Test
  void aClosedDecoderRefuses() {
    decoder.close();
    assertThatThrownBy(() -> decoder.generate(request("a", sampled(5, 1)), token -> {}))
        .isInstanceOf(ModelException.class)
        .extracting(e -> ((ModelException) e).reason())
        .isEqualTo(Reason.CLOSED);
  }

  @Test
  void aSavedFolderServes() throws IOException {
    Path saved = folder.resolve("model");
    trained.save(saved, WeightType.FLOAT32, folder.resolve("tokenizer.json"), Map.of());
    try (TorchDecoder loaded = TorchDecoder.load(saved, OPTIONS)) {
      GenerationRequest request = request(LOOP, sampled(8, 2));
      assertThat(await(loaded.generate(request, t -> {})).tokens())
          .isEqualTo(generate(request).tokens());
    }
    Files.delete(saved.resolve("tokenizer.json"));
    assertThatThrownBy(() -> TorchDecoder.load(saved, OPTIONS))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("tokenizer.json: the file is missing");
  }

  @Test
  void alternativesAreTheLikeliestTokensOfEachPlace() {
    PromptAndCompletion line =
        new PromptAndCompletion(tokenizer.encode(LOOP), tokenizer.encode("int x"));
    PromptAndCompletion other = new PromptAndCompletion(TokenIds.of(70), TokenIds.of(71, 72));
    TokenScores all = decoder.tokenScores(List.of(line), TinyTokenizer.vocabularySize()).getFirst();
    for (int t = 0; t < line.completion().size(); t++) {
      List<TokenScores.Alternative> here = all.alternatives().get(t);
      double mass = 0;
      double entropy = 0;
      for (int k = 0; k < here.size(); k++) {
        double logProb = here.get(k).logProb();
        mass += Math.exp(logProb);
        entropy -= Math.exp(logProb) * logProb;
        if (here.get(k).tokenId() == line.completion().get(t)) {
          assertThat(here.get(k).logProb()).isCloseTo(all.logProbs().get(t), within(1e-5f));
        }
        assertThat(k == 0 || logProb <= here.get(k - 1).logProb()).isTrue();
      }
      assertThat(mass).isCloseTo(1, within(1e-4));
      assertThat((double) all.entropies().get(t)).isCloseTo(entropy, within(1e-4));
    }
    List<TokenScores> two = decoder.tokenScores(List.of(other, line), 2);
    assertThat(two.get(0).alternatives()).hasSize(2).allSatisfy(a -> assertThat(a).hasSize(2));
    assertThat(two.get(1).alternatives().stream().map(a -> a.getFirst().tokenId()).toList())
        .isEqualTo(all.alternatives().stream().map(a -> a.getFirst().tokenId()).toList());
    assertThat(decoder.tokenScores(List.of(line), 0).getFirst().alternatives())
        .allSatisfy(a -> assertThat(a).isEmpty());
    assertThatThrownBy(() -> decoder.tokenScores(List.of(line), 100_000))
        .hasMessage("alternatives: 100,000 (expected: 0 to 268, the vocabulary's size)");
  }

  @Test
  void idsThatTheTokenizerDoesNotKnowAreNoAlternatives() {
    int known = TinyTokenizer.vocabularySize();
    DecoderConfig wider =
        new DecoderConfig(32, 48, 2, 4, 2, known + 60, 64, 1e-5, 10_000, true, 0, 0);
    PromptAndCompletion line = new PromptAndCompletion(TokenIds.of(70), TokenIds.of(71, 72));
    try (TrainableDecoder random = TinyModels.trainable(wider, Arithmetic.FLOAT32);
        WeightsSnapshot weights = random.snapshot();
        TorchDecoder padded = TorchDecoder.of(weights, tokenizer, OPTIONS)) {
      TokenScores all = padded.tokenScores(List.of(line), known).getFirst();
      for (List<TokenScores.Alternative> place : all.alternatives()) {
        assertThat(place).hasSize(known).allMatch(one -> one.tokenId() < known);
        // what is not named has its share all the same
        double mass = place.stream().mapToDouble(one -> Math.exp(one.logProb())).sum();
        assertThat(mass).isBetween(0.5, 0.95);
      }
    }
  }

  @Test
  void badSequencesAreNamed() {
    PromptAndCompletion empty = new PromptAndCompletion(TokenIds.of(1), TokenIds.of());
    assertThatThrownBy(() -> decoder.logProbs(List.of(empty)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("sequences[0]: ");
  }

  @Test
  void everyTokenIsTold() {
    List<GeneratedToken> told = Collections.synchronizedList(new ArrayList<>());
    Generation generation = await(decoder.generate(request(LOOP, sampled(5, 9)), told::add));
    assertThat(told.stream().mapToInt(GeneratedToken::tokenId).toArray())
        .isEqualTo(generation.tokens().toArray());
  }
}
