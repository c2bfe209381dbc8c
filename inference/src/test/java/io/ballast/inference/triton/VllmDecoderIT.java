package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.api.GeneratedToken;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.remote.ByteTokenizer;
import io.grpc.Context;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A decoder behind a real Triton, whose model keeps the convention of the vLLM back end. */
class VllmDecoderIT {
  private final VllmDecoder decoder =
      VllmDecoder.open(SharedTriton.client(), ServedModel.of("vllm"), new ByteTokenizer(), 64);

  @AfterEach
  void close() {
    decoder.close();
  }

  private Generation generate(String prompt, SamplingOptions options) {
    return decoder
        .generate(new GenerationRequest(prompt, false, 0, options), token -> {})
        .result()
        .join();
  }

  private static SamplingOptions.Builder sampling(int tokens) {
    return SamplingOptions.builder().maxNewTokens(tokens);
  }

  @Test
  void tokensStreamWithTheirLogProbabilities() {
    List<GeneratedToken> tokens = new ArrayList<>();
    Generation generation =
        decoder
            .generate(new GenerationRequest("abc", false, 0, sampling(8).build()), tokens::add)
            .result()
            .join();

    assertThat(generation.text()).isEqualTo("abc");
    assertThat(generation.tokens()).isEqualTo(new ByteTokenizer().encode("abc"));
    assertThat(generation.logProbs().toArray()).containsExactly(0, -0.125f, -0.25f);
    assertThat(generation.samplingLogProbs()).isEqualTo(generation.logProbs());
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    assertThat(tokens).extracting(GeneratedToken::text).containsExactly("a", "b", "c");
  }

  @Test
  void itEndsAtTheLimitOrAtAStopString() {
    Generation limited = generate("abcdef", sampling(2).build());
    assertThat(limited.text()).isEqualTo("ab");
    assertThat(limited.stopReason()).isEqualTo(StopReason.MAX_TOKENS);

    Generation stopped = generate("abcdef", sampling(8).stopStrings(List.of("d")).build());
    assertThat(stopped.text()).isEqualTo("abc");
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_STRING);
    assertThat(stopped.tokens())
        .as("the last one reaches past the text")
        .hasToString("[98, 99, 100, 101]");

    Generation ended = generate("abc", sampling(8).stopStrings(List.of("d")).build());
    assertThat(ended.stopReason()).as("no stop string came").isEqualTo(StopReason.END_OF_TEXT);
  }

  @Test
  void aPromptThatDoesNotFitKeepsItsEnd() {
    Generation generation = generate("x".repeat(100) + "yz", sampling(62).build());

    assertThat(generation.promptTokens()).isEqualTo(new ByteTokenizer().encode("yz"));
    assertThat(generation.text()).isEqualTo("yz");
  }

  @Test
  void greedyDrawsWithCertainty() {
    Generation generation = generate("ab", SamplingOptions.greedy(8));

    assertThat(generation.logProbs().toArray()).containsExactly(0, -0.125f);
    assertThat(generation.samplingLogProbs().toArray()).containsExactly(0, 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "!mute | BROKEN      | the back end tells no log-probabilities",
        "!cut  | BROKEN      | without saying why",
        "!wild | BROKEN      | 1,000,000 is not in the tokenizer's vocabulary",
        "!fail | BROKEN      | after 2 answers: out of luck",
      })
  void whatCannotBeTakenIsRefused(String prompt, Reason reason, String words) {
    CompletionException thrown =
        catchThrowableOfType(
            CompletionException.class, () -> generate(prompt, sampling(8).build()));

    assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
        .isEqualTo(reason);
    assertThat(thrown.getCause())
        .hasMessageStartingWith("model 'vllm'")
        .hasMessageContaining(words);
  }

  @Test
  void aServerThatDoesNotKeepTheConventionIsNamedWithItsMend() {
    CompletionException thrown =
        catchThrowableOfType(
            CompletionException.class, () -> generate("!mute", sampling(8).build()));

    assertThat(thrown.getCause())
        .hasMessageStartingWith("model 'vllm' at " + SharedTriton.server().address() + ": ")
        .hasMessageContaining("for which return_logprobs and sampling_parameters.logprobs ask")
        .hasMessageContaining("(expected: a release of Triton's vLLM back end");
  }

  @Test
  void aCallerThatLeavesKeepsWhatCame() throws InterruptedException {
    CountDownLatch second = new CountDownLatch(2);
    GenerationHandle handle =
        decoder.generate(
            new GenerationRequest("!slow" + "x".repeat(20), false, 0, sampling(30).build()),
            token -> second.countDown());
    second.await();

    handle.cancel();

    Generation generation = handle.result().join();
    assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
    assertThat(generation.tokens().size()).isBetween(2, 24);
    assertThat("!slow" + "x".repeat(20)).startsWith(generation.text());
  }

  @Test
  void aCallersDeadlineEndsItHereAndThere() throws Exception {
    String prompt = "!slow, and left";
    ScheduledExecutorService clock = Executors.newSingleThreadScheduledExecutor();
    try (Context.CancellableContext caller =
        Context.current().withDeadlineAfter(100, TimeUnit.MILLISECONDS, clock)) {
      GenerationHandle handle =
          caller.call(
              () ->
                  decoder.generate(
                      new GenerationRequest(prompt, false, 0, sampling(30).build()), token -> {}));

      Generation generation = handle.result().join();
      assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
      assertThat(prompt).startsWith(generation.text());
      SharedTriton.server().awaitNote("cancelled " + prompt);
    } finally {
      clock.shutdownNow();
    }
  }

  @Test
  void aModelWithoutTheConventionIsRefusedByName() {
    assertThatThrownBy(
            () ->
                VllmDecoder.open(
                    SharedTriton.client(), ServedModel.of("repeat"), new ByteTokenizer(), 64))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("model 'repeat': lacks [text_input, stream,");
  }

  @Test
  void aServerWithoutTheModelIsUnavailable() {
    ModelException thrown =
        catchThrowableOfType(
            ModelException.class,
            () ->
                VllmDecoder.open(
                    SharedTriton.client(), ServedModel.of("nope"), new ByteTokenizer(), 64));

    assertThat(thrown.reason()).isEqualTo(Reason.UNAVAILABLE);
  }
}
