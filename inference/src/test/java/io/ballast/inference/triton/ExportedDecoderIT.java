package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.api.Decoder;
import io.ballast.inference.api.GenerationHandle;
import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.torch.Arithmetic;
import io.ballast.inference.torch.HuggingFaceTokenizerAdapter;
import io.ballast.inference.torch.ServingOptions;
import io.ballast.inference.torch.TorchDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** {@link DecoderContract} on a real Triton, and what only exported decoders do. */
class ExportedDecoderIT extends DecoderContract {
  private static final HuggingFaceTokenizerAdapter TOKENIZER =
      HuggingFaceTokenizerAdapter.ofFolder(MODELS.resolve("java-tiny/1"));
  private static final Decoder DECODER = decoder("java-tiny", "1");

  private static Decoder decoder(String name, String version) {
    return VllmDecoder.open(
        ExportedTriton.draining(), new ServedModel(name, version), TOKENIZER, 256);
  }

  @Override
  Decoder decoder() {
    return DECODER;
  }

  @Override
  Decoder open(String name, String version) {
    return decoder(name, version);
  }

  @Override
  ModelException.Reason unknownModel() {
    return ModelException.Reason.UNAVAILABLE;
  }

  private static String refusal(String text, String sampling) {
    return refusal(Tensor.strings("text_input", List.of(1L), text), sampling);
  }

  private static String refusal(Tensor text, String sampling) {
    InferRequest request =
        InferRequest.of("java-tiny")
            .input(text)
            .input(Tensor.strings("sampling_parameters", List.of(1L), sampling))
            .build();
    TritonException thrown =
        catchThrowableOfType(
            TritonException.class,
            () -> {
              try (InferStream stream = ExportedTriton.draining().stream(request)) {
                stream.next();
              }
            });
    return String.valueOf(thrown.getMessage());
  }

  @Test
  void whatItDoesNotKnowIsRefusedByName() {
    assertThat(refusal("int x", "{\"best_of\": 2}"))
        .contains("sampling_parameters.best_of: not known (expected: one of temperature,");
    assertThat(refusal("int x", "{\"top_p\": 1.5}"))
        .endsWith("sampling_parameters.top_p: 1.5 (expected: > 0 and <= 1)");
    assertThat(refusal("int x", "{\"stop\": [\"\"]}"))
        .endsWith(
            "sampling_parameters.stop: [\"\"] (expected: a text of 1 to 1,024 characters, or a list"
                + " of at most 16)");
    assertThat(refusal("int x", "{\"min_tokens\": 5, \"max_tokens\": 3}"))
        .endsWith("sampling_parameters.min_tokens: 5 (expected: at most max_tokens, 3)");
    assertThat(refusal("int x", "{\"stop_token_ids\": [4096]}"))
        .endsWith("sampling_parameters: token 4096 (expected: >= 0 and < 4096)");
    assertThat(refusal("int x", "[]")).endsWith("sampling_parameters: not an object");
    byte[] cut = {'a', (byte) 0xc3};
    assertThat(refusal(Tensor.bytes("text_input", List.of(1L), List.of(cut)), "{}"))
        .contains("text_input: 'utf-8' codec can't decode byte 0xc3 in position 1");
    assertThat(refusal("", "{}")).endsWith("text_input: no tokens (expected: >= 1)");
    assertThat(refusal("x + ".repeat(300), "{}")).endsWith(" tokens, limit 255");
  }

  /** Python's JSON knows NaN and Infinity; a list, a text and true are numbers of some kind. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "temperature | NaN",
        "temperature | Infinity",
        "temperature | -0.5",
        "temperature | \"warm\"",
        "temperature | true",
        "temperature | [1]",
        "max_tokens | 0",
        "max_tokens | 1.5",
        "max_tokens | Infinity",
        "max_tokens | NaN",
        "max_tokens | \"8\"",
        "seed | -1",
        "seed | NaN",
        "seed | -Infinity",
        "seed | 1e300",
        "top_k | -2",
        "top_p | NaN",
        "min_p | -1",
        "repetition_penalty | Infinity",
        "presence_penalty | 1e400",
        "logprobs | 2",
        "stop | 5",
        "stop | [1]",
        "stop | [null]",
        "stop | {\"a\": 1}",
        "stop_token_ids | \"12\"",
        "stop_token_ids | [1.7]",
        "stop_token_ids | [true]",
        "stop_token_ids | [-1]",
        "logit_bias | [1]",
        "logit_bias | {\"5\": NaN}",
        "logit_bias | {\"5\": 101}",
        "logit_bias | {\"five\": 1}",
        "logit_bias | {\"-5\": 1}",
        "ignore_eos | \"no\"",
        "ignore_eos | 1"
      })
  void whatCannotBeIsRefusedByNameAndTheNextIsServed(String name, String value) {
    assertThat(refusal("int x", "{\"" + name + "\": " + value + "}"))
        .startsWith("model 'java-tiny': sampling_parameters." + name + ": ")
        .contains(" (expected: ");
    assertThat(whole("for (int i = 0; i < ", "{\"temperature\": 0, \"max_tokens\": 3.0}"))
        .isEqualTo("for (int i = 0; i < active; i");
  }

  @Test
  void whatIsNoJsonIsRefusedHoweverDeepItIs() {
    assertThat(refusal("int x", "{\"seed\": ")).contains("sampling_parameters: not JSON: ");
    assertThat(refusal("int x", "[".repeat(100_000))).contains("sampling_parameters: not JSON: ");
    assertThat(refusal("int x", "1".repeat(5_000))).contains("sampling_parameters: not JSON: ");
    assertThat(refusal("int x", "{\"\\ud800\": 1}")).contains("not known (expected: one of");
  }

  private static String whole(String text, String sampling) {
    InferRequest request =
        InferRequest.of("java-tiny")
            .input(Tensor.strings("text_input", List.of(1L), text))
            .input(Tensor.strings("sampling_parameters", List.of(1L), sampling))
            .build();
    try (InferStream stream = ExportedTriton.draining().stream(request)) {
      String answer = stream.next().orElseThrow().output("text_output").strings().getFirst();
      assertThat(stream.next()).isEmpty();
      return answer;
    }
  }

  /** Callers leave in the middle, at the last token, and before the mark of the end. */
  @Test
  void manyThatLeaveLeaveTheServerAlive() {
    for (int i = 0; i < 200; i++) {
      try (InferStream stream =
          ExportedTriton.draining().stream(
              InferRequest.of("java-tiny")
                  .input(Tensor.strings("text_input", List.of(1L), "int value = "))
                  .input(Tensor.bools("stream", List.of(1L), true))
                  .input(
                      Tensor.strings(
                          "sampling_parameters",
                          List.of(1L),
                          "{\"temperature\": 0, \"max_tokens\": " + (1 + i % 3) + "}"))
                  .build())) {
        assertThat(stream.next()).isPresent();
      }
    }
  }

  /** The caller leaves as it is refused: what is left to say to it must not harm the server. */
  @Test
  void manyRefusalsLeaveTheServerAlive() {
    for (int i = 0; i < 200; i++) {
      assertThat(refusal("int x", "[]")).endsWith("sampling_parameters: not an object");
    }
  }

  @Test
  void withoutAStreamTheWholeTextComesAtOnceBehindItsPrompt() {
    assertThat(whole("for (int i = 0; i < ", "{\"temperature\": 0, \"max_tokens\": 3}"))
        .isEqualTo("for (int i = 0; i < active; i");
  }

  /** The embedded decoder's text under the same options. */
  @Test
  void penaltiesShapeAsTheEmbeddedDecodersDo() {
    String expected;
    try (TorchDecoder embedded =
        TorchDecoder.load(
            MODELS.resolve("java-tiny/1"), new ServingOptions(Arithmetic.FLOAT32, 4, 8, 512))) {
      expected =
          embedded
              .generate(
                  new GenerationRequest(
                      "int a = a + a + ",
                      false,
                      0,
                      SamplingOptions.builder()
                          .temperature(0)
                          .maxNewTokens(12)
                          .repetitionPenalty(1.3)
                          .frequencyPenalty(0.5)
                          .presencePenalty(0.25)
                          .logitBias(Map.of(27, -2.0))
                          .build()),
                  token -> {})
              .result()
              .join()
              .text();
    }

    assertThat(
            whole(
                "int a = a + a + ",
                """
                {"temperature": 0, "max_tokens": 12, "repetition_penalty": 1.3,
                 "frequency_penalty": 0.5, "presence_penalty": 0.25, "logit_bias": {"27": -2.0}}\
                """))
        .isEqualTo("int a = a + a + " + expected);
  }

  /** A share of 1e-9 of what is left leaves the likeliest alone, whichever option says so. */
  @ParameterizedTest
  @ValueSource(
      strings = {"\"top_k\": 1", "\"top_p\": 1e-9", "\"min_p\": 1.0", "\"temperature\": 1e-6"})
  void whatLeavesOneTokenIsGreedy(String option) {
    assertThat(whole("for (int i = 0; i < ", "{\"max_tokens\": 3, \"seed\": 3, " + option + "}"))
        .isEqualTo("for (int i = 0; i < active; i");
  }

  /** While all its rows are taken the model takes no more, and Triton's own queue keeps order. */
  @Test
  void moreThanItHasRowsWaitForTheirTurn() {
    List<GenerationHandle> handles = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      handles.add(
          DECODER.generate(
              new GenerationRequest("int x" + i + " = ", false, 0, SamplingOptions.greedy(20)),
              token -> {}));
    }
    handles.forEach(handle -> assertThat(handle.result().join().tokens().size()).isBetween(1, 20));
  }

  private static InferStream narrow(int tokens, long priority) {
    return ExportedTriton.client().stream(
        InferRequest.of("narrow")
            .input(Tensor.strings("text_input", List.of(1L), "int value = "))
            .input(Tensor.bools("stream", List.of(1L), true))
            .input(
                Tensor.strings(
                    "sampling_parameters",
                    List.of(1L),
                    "{\"temperature\": 0, \"ignore_eos\": true, \"max_tokens\": " + tokens + "}"))
            .priority(priority)
            .build());
  }

  /**
   * One row draws and each lane lets two wait; one more may have left its lane for the model's
   * door, where it waits too.
   */
  @Test
  void tritonKeepsTheQueueOfEachLane() {
    InferStream drawing = narrow(240, 1);
    assertThat(drawing.next()).isPresent();
    List<InferStream> more = new ArrayList<>();
    for (int i = 0; i < 5; i++) {
      more.add(narrow(2, 1));
    }
    List<InferStream> batch = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      batch.add(narrow(2, 3));
    }
    // refusals come at once, in any order of arrival; whoever draws makes room for the others
    drawing.close();

    long interactive = more.stream().filter(ExportedDecoderIT::refusedByTheQueue).count();
    long inBatch = batch.stream().filter(ExportedDecoderIT::refusedByTheQueue).count();
    assertThat(interactive).isBetween(2L, 3L);
    assertThat(inBatch).isBetween(0L, 1L);
    assertThat(interactive + inBatch).isBetween(3L, 4L);
  }

  private static boolean refusedByTheQueue(InferStream stream) {
    try (stream) {
      int answers = 0;
      while (stream.next().isPresent()) {
        answers++;
      }
      assertThat(answers).isEqualTo(2);
      return false;
    } catch (TritonException e) {
      assertThat(e.reason()).as(e.getMessage()).isEqualTo(TritonException.Reason.QUEUE_FULL);
      return true;
    }
  }
}
