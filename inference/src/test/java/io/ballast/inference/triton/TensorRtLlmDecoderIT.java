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
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.api.Tokenizer;
import io.ballast.inference.remote.ByteTokenizer;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A decoder behind a real Triton, whose models keep the convention of TensorRT-LLM's back end.
 *
 * <p>What is refused, stopped or left ends its stream while the model answers, of which this Triton
 * dies now and then, or answers nobody any more: so streams are drained (docs/triton.md, Leaving).
 */
class TensorRtLlmDecoderIT {
  private static TensorRtLlmDecoder open(String model) {
    return open(TensorRtLlmTriton.draining(), model);
  }

  private static TensorRtLlmDecoder open(KServeClient client, String model) {
    return TensorRtLlmDecoder.open(client, ServedModel.of(model), new ByteTokenizer(), 64);
  }

  private static Generation generate(String model, String prompt, SamplingOptions options) {
    try (TensorRtLlmDecoder decoder = open(model)) {
      return generate(decoder, prompt, options);
    }
  }

  private static Generation generate(
      TensorRtLlmDecoder decoder, String prompt, SamplingOptions options) {
    return decoder
        .generate(new GenerationRequest(prompt, false, 0, options), token -> {})
        .result()
        .join();
  }

  private static SamplingOptions.Builder sampling(int tokens) {
    return SamplingOptions.builder().maxNewTokens(tokens);
  }

  /** Told in which way ever: ids or texts, all log-probabilities anew or the new ones, at once. */
  @ParameterizedTest
  @ValueSource(strings = {"tokens", "tokens_old", "tokens_whole", "text", "text_old", "text_whole"})
  void tokensComeWithTheirLogProbabilities(String model) {
    List<GeneratedToken> tokens = new ArrayList<>();
    Generation generation;
    try (TensorRtLlmDecoder decoder = open(model)) {
      generation =
          decoder
              .generate(new GenerationRequest("abca", false, 0, sampling(8).build()), tokens::add)
              .result()
              .join();
    }

    assertThat(generation.text()).isEqualTo("abca");
    assertThat(generation.tokens()).isEqualTo(new ByteTokenizer().encode("abca"));
    assertThat(generation.logProbs().toArray()).containsExactly(0, -0.125f, -0.25f, -0.375f);
    assertThat(generation.samplingLogProbs()).isEqualTo(generation.logProbs());
    assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    assertThat(tokens).extracting(GeneratedToken::text).containsExactly("a", "b", "c", "a");
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokens", "tokens_old", "tokens_whole", "text", "text_old", "text_whole"})
  void itEndsAtTheLimitOrAtAStopString(String model) {
    Generation limited = generate(model, "abcdef", sampling(2).build());
    assertThat(limited.text()).isEqualTo("ab");
    assertThat(limited.stopReason()).isEqualTo(StopReason.MAX_TOKENS);

    Generation stopped = generate(model, "abcdef", sampling(8).stopStrings(List.of("cd")).build());
    assertThat(stopped.text()).isEqualTo("ab");
    assertThat(stopped.stopReason()).isEqualTo(StopReason.STOP_STRING);
    assertThat(stopped.tokens().size()).isEqualTo(4);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokens", "tokens_old", "text", "text_old", "tokens_whole"})
  void whatEndsATextMayBeToldOrNot(String model) {
    assertThat(generate(model, "!end", sampling(8).build()).stopReason())
        .isEqualTo(StopReason.END_OF_TEXT);
    assertThat(generate(model, "!end", sampling(8).build()).text()).isEqualTo("!end");
    Generation late = generate(model, "!late", sampling(8).build());
    assertThat(late.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    assertThat(late.text()).isEqualTo("!late");
  }

  /** Where texts add up, a character's tokens are told when it is whole. */
  @Test
  void aCharacterOfSeveralTokensIsHeldBackUntilItIsWhole() {
    List<GeneratedToken> tokens = new ArrayList<>();
    for (String model : List.of("tokens", "text")) {
      tokens.clear();
      try (TensorRtLlmDecoder decoder = open(model)) {
        Generation generation =
            decoder
                .generate(new GenerationRequest("aö€", false, 0, sampling(8).build()), tokens::add)
                .result()
                .join();

        assertThat(generation.text()).isEqualTo("aö€");
        assertThat(generation.tokens()).isEqualTo(new ByteTokenizer().encode("aö€"));
      }
      assertThat(tokens)
          .extracting(GeneratedToken::text)
          .containsExactly("a", "", "ö", "", "", "€");
    }
  }

  @Test
  void textsOfPartsOfACharacterDoNotTellTokens() {
    CompletionException thrown =
        catchThrowableOfType(
            CompletionException.class, () -> generate("text_old", "aöb", sampling(8).build()));

    assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
        .isEqualTo(Reason.BROKEN);
    assertThat(thrown.getCause())
        .hasMessageStartingWith("model 'text_old': after 'a' the back end tells the text '")
        .hasMessageContaining("of 3 tokens, which does not say what tokens they are");
  }

  @Test
  void aPromptThatDoesNotFitKeepsItsEnd() {
    for (String model : List.of("tokens", "text")) {
      Generation generation = generate(model, "x".repeat(100) + "yz", sampling(62).build());

      assertThat(generation.promptTokens()).isEqualTo(new ByteTokenizer().encode("yz"));
      assertThat(generation.text()).isEqualTo("yz");
      assertThat(generation.stopReason()).isEqualTo(StopReason.END_OF_TEXT);
    }
    assertThatThrownBy(() -> generate("tokens", "x", sampling(64).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("prompt: 1 tokens, with room for 0 (expected: ≥ 1)");
  }

  /** Of what is asked: names, types and values that both releases of the back end know. */
  @Test
  void eachReleaseIsAskedInItsOwnWords() {
    TensorRtLlmTriton.server().clearNotes();
    generate("tokens", "ab", SamplingOptions.greedy(4));
    generate("tokens_old", "ab", sampling(4).seed(-1).build());
    generate("text_old", "ab", sampling(4).seed(7).build());

    assertThat(TensorRtLlmTriton.server().notes())
        .containsExactly(
            """
            {"beam_width": [1], "end_id": [0], "exclude_input_in_output": [true], \
            "frequency_penalty": [0.0], "input_ids": [98, 99], "input_lengths": [2], "pad_id": [0], \
            "presence_penalty": [0.0], "repetition_penalty": [1.0], "request_output_len": [4], \
            "return_log_probs": [true], "runtime_top_k": [0], \
            "runtime_top_p": [9.999999974752427e-07], "seed": [0], "streaming": [true], \
            "temperature": [1.0]}""",
            """
            {"beam_width": [1], "end_id": [0], \
            "frequency_penalty": [0.0], "input_ids": [98, 99], "input_lengths": [2], "pad_id": [0], \
            "presence_penalty": [0.0], "random_seed": [18446744073709551615], \
            "repetition_penalty": [1.0], "request_output_len": [4], \
            "return_log_probs": [true], "runtime_top_k": [0], "runtime_top_p": [1.0], \
            "streaming": [true], "temperature": [1.0]}""",
            """
            {"bad_words": [""], "beam_width": [1], "end_id": [0], "frequency_penalty": [0.0], \
            "max_tokens": [4], "pad_id": [0], "presence_penalty": [0.0], "random_seed": [7], \
            "repetition_penalty": [1.0], "return_log_probs": [true], "stop_words": [""], \
            "stream": [true], "temperature": [1.0], "text_input": ["ab"], "top_k": [0], \
            "top_p": [1.0]}""");
  }

  @Test
  void greedyDrawsWithCertainty() {
    Generation generation = generate("tokens", "ab", SamplingOptions.greedy(8));

    assertThat(generation.logProbs().toArray()).containsExactly(0, -0.125f);
    assertThat(generation.samplingLogProbs().toArray()).containsExactly(0, 0);
  }

  @Test
  void optionsThatTheModelHasNoInputForAreRefusedByName() {
    assertThatThrownBy(() -> generate("tokens_seedless", "ab", sampling(4).seed(5).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "seed: 5 (expected: temperature 0, for model 'tokens_seedless' has no input for a seed,"
                + " of [seed, random_seed])");
    assertThat(generate("tokens_seedless", "ab", SamplingOptions.greedy(4)).text()).isEqualTo("ab");
    assertThatThrownBy(() -> generate("tokens", "ab", sampling(4).minNewTokens(2).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("min_new_tokens: 2 (expected: 0; ");
    assertThatThrownBy(() -> generate("text", "ab", sampling(4).repetitionPenalty(1.2).build()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("repetition_penalty: 1.2 (expected: 1; ");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "tokens   | !mute  | BROKEN      | the back end tells no log-probabilities",
        "text     | !mute  | BROKEN      | the back end tells no log-probabilities",
        "tokens   | !few   | BROKEN      | 3 log-probabilities with 1 tokens, after 3",
        "tokens   | !wild  | BROKEN      | 1,000,000 is not in the tokenizer's vocabulary",
        "tokens   | !beams | BROKEN      | (expected: one beam)",
        "text     | !beams | BROKEN      | 2 texts in an answer (expected: 1)",
        "tokens   | !fail  | BROKEN      | after 2 answers: out of luck",
        "text     | !fail  | BROKEN      | after 2 answers: out of luck",
        "tokens_whole | !long0123 | BROKEN | more than the 8 tokens asked for",
      })
  void whatCannotBeTakenIsRefused(String model, String prompt, Reason reason, String words) {
    CompletionException thrown =
        catchThrowableOfType(
            CompletionException.class, () -> generate(model, prompt, sampling(8).build()));

    assertThat(thrown.getCause()).hasMessageContaining(words);
    assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
        .isEqualTo(reason);
  }

  @Test
  void aModelThatNeverMarksTheEndIsUnavailableAtTheDeadline() {
    try (TensorRtLlmDecoder decoder = open(TensorRtLlmTriton.hurried(), "tokens")) {
      CompletionException thrown =
          catchThrowableOfType(
              CompletionException.class, () -> generate(decoder, "!hang", sampling(8).build()));

      assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
          .isEqualTo(Reason.UNAVAILABLE);
      assertThat(((TritonException) Objects.requireNonNull(thrown.getCause().getCause())).reason())
          .isEqualTo(TritonException.Reason.SILENT);
    }
  }

  @Test
  void aDeadStubIsUnavailableUntilItIsLoadedAnew() {
    try (TensorRtLlmDecoder decoder = open("tokens_fragile")) {
      CompletionException thrown =
          catchThrowableOfType(
              CompletionException.class, () -> generate(decoder, "!die", sampling(8).build()));
      assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
          .isEqualTo(Reason.UNAVAILABLE);

      TensorRtLlmTriton.client().repository().reload("tokens_fragile");

      assertThat(generate(decoder, "ab", sampling(8).build()).text()).isEqualTo("ab");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"tokens", "text"})
  void aCallerThatLeavesKeepsWhatCame(String model) throws InterruptedException {
    CountDownLatch second = new CountDownLatch(2);
    String prompt = "!slow" + "x".repeat(20);
    try (TensorRtLlmDecoder decoder = open(model)) {
      GenerationHandle handle =
          decoder.generate(
              new GenerationRequest(prompt, false, 0, sampling(30).build()),
              token -> second.countDown());
      second.await();

      handle.cancel();

      Generation generation = handle.result().join();
      assertThat(generation.stopReason()).isEqualTo(StopReason.CANCELLED);
      assertThat(generation.tokens().size()).isBetween(2, 24);
      assertThat(prompt).startsWith(generation.text());
    }
  }

  @Test
  void closingEndsWhatIsUnderWay() {
    TensorRtLlmDecoder decoder = open("tokens");
    GenerationHandle handle =
        decoder.generate(
            new GenerationRequest("!slow" + "x".repeat(20), false, 0, sampling(30).build()),
            token -> {});

    decoder.close();

    CompletionException thrown =
        catchThrowableOfType(CompletionException.class, () -> handle.result().join());
    assertThat(((ModelException) Objects.requireNonNull(thrown.getCause())).reason())
        .isEqualTo(Reason.CLOSED);
    assertThatThrownBy(() -> generate(decoder, "a", sampling(2).build()))
        .isInstanceOf(ModelException.class)
        .hasMessage("model 'tokens': closed");
  }

  @Test
  void aModelWithoutTheConventionIsRefusedByName() {
    assertThatThrownBy(
            () ->
                TensorRtLlmDecoder.open(
                    SharedTriton.client(), ServedModel.of("vllm"), new ByteTokenizer(), 64))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith(
            "model 'vllm': lacks [max_tokens, top_p, return_log_probs, output_log_probs]");
    assertThatThrownBy(() -> open("tokens_demanding"))
        .isInstanceOf(ModelException.class)
        .hasMessage(
            "model 'tokens_demanding': demands [encoder_output_lengths], which is not known");
    ModelException thrown = catchThrowableOfType(ModelException.class, () -> open("nope"));
    assertThat(thrown.reason()).isEqualTo(Reason.UNAVAILABLE);
  }

  /** "▁a" and "a" read alike at the start of a text. */
  @Test
  void textsDoNotTellTheTokensOfATokenizerThatDropsTheFirstSpace() {
    Tokenizer dropping = new SpaceDroppingTokenizer();

    assertThatThrownBy(
            () ->
                TensorRtLlmDecoder.open(
                    TensorRtLlmTriton.client(), ServedModel.of("text"), dropping, 64))
        .isInstanceOf(ModelException.class)
        .hasMessageStartingWith("model 'text': its tokenizer drops the space before a text");
    TensorRtLlmDecoder.open(TensorRtLlmTriton.client(), ServedModel.of("tokens"), dropping, 64)
        .close();
  }

  /** Ids are those of {@link ByteTokenizer}; 257 is " a". */
  private static final class SpaceDroppingTokenizer implements Tokenizer {
    private final ByteTokenizer bytes = new ByteTokenizer();

    @Override
    public TokenIds encode(String text) {
      return bytes.encode(text);
    }

    @Override
    public String decode(TokenIds tokens) {
      return tokens.equals(TokenIds.of(257)) ? "a" : bytes.decode(tokens);
    }

    @Override
    public byte[] bytesOf(int id) {
      return id == 257 ? new byte[] {' ', 'a'} : bytes.bytesOf(id);
    }

    @Override
    public int vocabularySize() {
      return 258;
    }

    @Override
    public int endOfTextId() {
      return 0;
    }
  }
}
