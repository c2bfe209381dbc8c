package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.ballast.inference.api.GenerationRequest;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.SamplingOptions;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionException;
import org.junit.jupiter.api.Test;

/** The contract over the model {@code tensorrt_llm} itself, with the tokenizer here. */
class TensorRtLlmTokensIT extends TensorRtLlmContract {
  TensorRtLlmTokensIT() {
    super("tensorrt_llm");
  }

  private static InferRequest.Builder asked(int... ids) {
    return InferRequest.of("tensorrt_llm")
        .input(Tensor.ints("input_ids", List.of(1L, (long) ids.length), ids))
        .input(Tensor.ints("input_lengths", List.of(1L, 1L), ids.length));
  }

  private static InferRequest.Builder asked(int tokens) {
    return asked(TOKENIZER.encode("for (int i = 0; i < ").toArray())
        .input(Tensor.ints("request_output_len", List.of(1L, 1L), tokens));
  }

  private static InferAnswer only(InferRequest request) {
    try (InferStream stream = TensorRtLlmTriton.client().stream(request)) {
      InferAnswer answer = stream.next().orElseThrow();
      assertThat(stream.next()).isEmpty();
      return answer;
    }
  }

  /** As the back end: greedy where neither top-k nor top-p is said, the prompt in front. */
  @Test
  void withoutAStreamAllComesAtOnceBehindThePrompt() {
    InferAnswer answer = only(asked(3).build());
    int[] prompt = TOKENIZER.encode("for (int i = 0; i < ").toArray();

    assertThat(answer.output("output_ids").ints())
        .startsWith(prompt)
        .endsWith(TOKENIZER.encode("active; i").toArray())
        .hasSize(prompt.length + 3);
    assertThat(answer.output("sequence_length").ints()).containsExactly(prompt.length + 3);
    assertThat(answer.find("output_log_probs")).isEmpty();
    assertThat(
            only(asked(3)
                    .input(Tensor.bools("exclude_input_in_output", List.of(1L, 1L), true))
                    .build())
                .output("output_ids")
                .ints())
        .isEqualTo(TOKENIZER.encode("active; i").toArray());
  }

  @Test
  void whatItCannotDoIsRefusedInTheNamesOfItsInputs() {
    assertThatThrownBy(
            () -> only(asked(3).input(Tensor.ints("beam_width", List.of(1L, 1L), 2)).build()))
        .hasMessageEndingWith("beam_width: more than 1 (expected: 1)");
    assertThatThrownBy(
            () -> only(asked(3).input(Tensor.floats("runtime_top_p", List.of(1L, 1L), 2f)).build()))
        .hasMessageEndingWith("runtime_top_p: 2.0 (expected: > 0 and <= 1)");
    assertThatThrownBy(() -> only(asked(0).build()))
        .hasMessageEndingWith(
            "request_output_len: 0 (expected: a whole number, 1 to 9,223,372,036,854,775,807)");
    assertThatThrownBy(
            () ->
                only(
                    asked(1, 4096)
                        .input(Tensor.ints("request_output_len", List.of(1L, 1L), 3))
                        .build()))
        .hasMessageEndingWith("input_ids: token 4096 (expected: >= 0 and < 4096)");
    assertThatThrownBy(
            () -> only(asked(3).input(Tensor.ints("stop_words_list", List.of(1L), 2)).build()))
        .isInstanceOfSatisfying(
            TritonException.class,
            e -> assertThat(e.reason()).isEqualTo(TritonException.Reason.BAD_REQUEST));
  }

  /** The engine's limit is below what the decoder was told: the back end's words arrive. */
  @Test
  void aContextThatIsExceededThereIsToldInTheBackEndsWords() {
    try (TensorRtLlmDecoder decoder =
        TensorRtLlmDecoder.open(
            TensorRtLlmTriton.client(), ServedModel.of("tensorrt_llm"), TOKENIZER, 2_048)) {
      CompletionException thrown =
          catchThrowableOfType(
              CompletionException.class,
              () ->
                  decoder
                      .generate(
                          new GenerationRequest(
                              "x + ".repeat(300), false, 0, SamplingOptions.greedy(8)),
                          token -> {})
                      .result()
                      .join());

      ModelException cause = (ModelException) Objects.requireNonNull(thrown.getCause());
      assertThat(cause.reason()).isEqualTo(ModelException.Reason.BROKEN);
      assertThat(cause).hasMessageMatching(".*input_ids: [0-9,]+ tokens, limit 255");
    }
  }
}
