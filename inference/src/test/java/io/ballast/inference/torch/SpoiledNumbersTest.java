package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.PromptAndCompletion;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.torch.ParameterLayout.Parameter;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.NoGradGuard;
import org.bytedeco.pytorch.Scalar;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One token of the model has no numbers: whoever meets it fails, and nobody else notices. The model
 * is otherwise random, and its head has weights of its own, so that only those who read the token
 * meet it.
 */
class SpoiledNumbersTest {
  private static final char SPOILED = '~';
  private static final int SPOILED_ID = SPOILED + 1; // ids 1 to 256 are the bytes
  private static final DecoderConfig CONFIG =
      new DecoderConfig(
          16, 24, 2, 4, 2, TinyTokenizer.vocabularySize(), 160, 1e-5, 10_000, false, 0, 0);

  /** Longer than two blocks of the prefix cache. */
  private static final String SHARED = "class A { int a; int b; int c; ".repeat(3);

  @TempDir private static Path folder;
  private static HuggingFaceTokenizerAdapter tokenizer;
  private static TrainableDecoder model;

  @BeforeAll
  static void start() throws IOException {
    tokenizer = HuggingFaceTokenizerAdapter.load(TinyTokenizer.write(folder), 0);
    model = spoiled();
  }

  @AfterAll
  static void close() {
    model.close();
    tokenizer.close();
  }

  private static TrainableDecoder spoiled() {
    TrainableDecoder decoder = TinyModels.trainable(CONFIG, Arithmetic.FLOAT32);
    Parameter embedding = decoder.weights().layout().embedding();
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      decoder
          .weights()
          .flat()
          .narrow(0, embedding.offset() + SPOILED_ID * embedding.columns(), embedding.columns())
          .fill_(new Scalar(Double.NaN));
    }
    return decoder;
  }

  private static TorchDecoder decoder(boolean batchInvariant) {
    try (WeightsSnapshot weights = model.snapshot()) {
      return TorchDecoder.of(
          weights,
          tokenizer,
          new ServingOptions(Arithmetic.FLOAT32, 16, 64, 256).withBatchInvariant(batchInvariant));
    }
  }

  /** Draws anything but the spoiled token. */
  private static GenerationRequest request(String prompt, long seed) {
    return new GenerationRequest(
        prompt,
        false,
        0,
        SamplingOptions.builder()
            .maxNewTokens(12)
            .seed(seed)
            .logitBias(Map.of(SPOILED_ID, -100.0))
            .build());
  }

  private static Generation await(GenerationHandle handle) {
    return Await.result(handle.result());
  }

  private static void assertBroken(ThrowingCallable call, String message) {
    assertThatThrownBy(call)
        .satisfies(
            thrown -> {
              Throwable e = thrown instanceof ModelException ? thrown : thrown.getCause();
              assertThat(e)
                  .isInstanceOfSatisfying(
                      ModelException.class, m -> assertThat(m.reason()).isEqualTo(Reason.BROKEN))
                  .hasMessage(message);
            });
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPromptThatMeetsItFailsAloneAndItsNeighboursDrawWhatTheyDoAlone(boolean batchInvariant) {
    List<String> prompts = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      prompts.add("int x" + i);
      prompts.add("bad" + SPOILED + i);
      // prompts that share a computed beginning: with the token after it, within it, without it
      prompts.add(SHARED + SPOILED + i);
      prompts.add(SHARED + "return " + i);
    }
    List<TokenIds> alone = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      if (prompts.get(i).indexOf(SPOILED) < 0) {
        try (TorchDecoder decoder = decoder(batchInvariant)) {
          alone.add(await(decoder.generate(request(prompts.get(i), i), token -> {})).tokens());
        }
      } else {
        alone.add(TokenIds.of());
      }
    }
    try (TorchDecoder decoder = decoder(batchInvariant)) {
      for (int round = 0; round < 2; round++) { // in the second prefixes are there
        List<GenerationHandle> together = new ArrayList<>();
        for (int i = 0; i < prompts.size(); i++) {
          together.add(decoder.generate(request(prompts.get(i), i), token -> {}));
        }
        for (int i = 0; i < prompts.size(); i++) {
          GenerationHandle handle = together.get(i);
          if (prompts.get(i).indexOf(SPOILED) < 0) {
            assertThat(await(handle).tokens()).as(prompts.get(i)).isEqualTo(alone.get(i));
            assertThat(await(handle).logProbs().sum()).isFinite();
          } else {
            assertBroken(() -> await(handle), "logits: not all are finite");
          }
        }
      }
    }
  }

  @Test
  void inALaneOfItsOwnThreadItIsClearedInItsOwnPlace() {
    SamplingOptions eager =
        SamplingOptions.builder().maxNewTokens(12).logitBias(Map.of(SPOILED_ID, 100.0)).build();
    List<TokenIds> alone = new ArrayList<>();
    for (int i = 0; i < 24; i++) {
      try (TorchDecoder decoder = decoder(false)) {
        alone.add(await(decoder.generate(request("int x", i), token -> {})).tokens());
      }
    }
    try (WeightsSnapshot weights = model.snapshot();
        TorchDecoder decoder =
            TorchDecoder.of(
                weights, tokenizer, new ServingOptions(Arithmetic.FLOAT32, 24, 64, 256))) {
      List<GenerationHandle> together = new ArrayList<>();
      for (int i = 0; i < 24; i++) {
        together.add(
            decoder.generate(
                i == 20 ? new GenerationRequest("int x", false, 0, eager) : request("int x", i),
                token -> {}));
      }
      assertBroken(() -> await(together.get(20)), "logits: not all are finite");
      for (int i = 0; i < 24; i++) {
        if (i != 20) {
          assertThat(await(together.get(i)).tokens()).as("row %d", i).isEqualTo(alone.get(i));
        }
      }
      assertThat(Thread.getAllStackTraces().keySet())
          .anyMatch(thread -> thread.getName().startsWith("torch-decoder-lane-"));
    }
  }

  @Test
  void aCompletionThatDrawsItFailsAtTheNextTokenAndGivesNoNumberOut() {
    List<Float> given = new ArrayList<>();
    SamplingOptions eager =
        SamplingOptions.builder().maxNewTokens(12).logitBias(Map.of(SPOILED_ID, 100.0)).build();
    try (TorchDecoder decoder = decoder(false)) {
      TokenIds alone = await(decoder.generate(request("int x", 4), token -> {})).tokens();
      GenerationHandle neighbour = decoder.generate(request("int x", 4), token -> {});
      GenerationHandle bad =
          decoder.generate(
              new GenerationRequest("int x", false, 0, eager), token -> given.add(token.logProb()));
      assertBroken(() -> await(bad), "logits: not all are finite");
      assertThat(await(neighbour).tokens()).isEqualTo(alone);
    }
    assertThat(given).singleElement().satisfies(logProb -> assertThat(logProb).isFinite());
  }

  @Test
  void aSequenceThatMeetsItHasNoLogProbabilitiesAndTheOthersAreAsBefore() {
    PromptAndCompletion good = sequence("int x", " = 1;");
    PromptAndCompletion bad = sequence("int x", " = " + SPOILED + "1;");
    try (TorchDecoder decoder = decoder(false)) {
      float[] before = decoder.logProbs(List.of(good)).getFirst().toArray();
      String message = "log-probability: NaN, entropy: NaN (expected: finite)";
      assertBroken(() -> decoder.logProbs(List.of(good, bad, good)), message);
      assertBroken(() -> decoder.tokenScores(List.of(bad), 3), message);
      assertBroken(
          () -> decoder.alternatives(List.of(bad.prompt(), TokenIds.of(SPOILED_ID)), 1),
          "logits: not all are finite");
      assertThat(decoder.logProbs(List.of(good)).getFirst().toArray()).isEqualTo(before);
    }
  }

  private static PromptAndCompletion sequence(String prompt, String completion) {
    return new PromptAndCompletion(tokenizer.encode(prompt), tokenizer.encode(completion));
  }

  private static CompletionGroup group(String prompt, String... completions) {
    List<TokenIds> tokens = new ArrayList<>();
    for (String completion : completions) {
      tokens.add(tokenizer.encode(completion));
    }
    return new CompletionGroup(tokenizer.encode(prompt), tokens);
  }

  @Test
  void aLearnerThatMeetsItLearnsNothingOfItAndOfTheOthersWhatItWouldHave() {
    List<CompletionGroup> good = List.of(group("int x", " = 1;", " = 2;"));
    List<CompletionGroup> bad = List.of(good.getFirst(), group("int y", " = " + SPOILED + ";"));
    int[][] goodRows = {tokenizer.encode("int x = 1;").toArray()};
    int[][] badRows = {tokenizer.encode("int x = 1" + SPOILED + ";").toArray()};
    float[] expected = learned(learner -> {}, good, goodRows);

    float[] found =
        learned(
            learner -> {
              float[] before = weights(learner);
              assertBroken(
                  () -> learner.forwardBackward(bad, LossesByHand::likelier),
                  "log-probability: NaN, entropy: NaN (expected: finite)");
              assertBroken(
                  () -> learner.scores(bad),
                  "log-probability: NaN, entropy: NaN (expected: finite)");
              assertBroken(() -> learner.trainStep(badRows, 1e-2), "loss: NaN (expected: finite)");
              assertBroken(() -> learner.meanLoss(badRows), "loss: NaN (expected: finite)");
              assertThat(weights(learner)).isEqualTo(before);
              assertThat(learner.steps()).isZero();
            },
            good,
            goodRows);

    assertThat(found).isEqualTo(expected);
  }

  private static float[] learned(
      Consumer<TrainableDecoder> before, List<CompletionGroup> groups, int[][] rows) {
    try (TrainableDecoder learner = spoiled()) {
      before.accept(learner);
      learner.forwardBackward(groups, LossesByHand::likelier);
      double unused = learner.optimizerStep(1e-2);
      var unusedToo = learner.trainStep(rows, 1e-2);
      return weights(learner);
    }
  }

  private static float[] weights(TrainableDecoder learner) {
    try (PointerScope scope = new PointerScope();
        NoGradGuard off = new NoGradGuard()) {
      return Tensors.floats(learner.weights().flat());
    }
  }
}
