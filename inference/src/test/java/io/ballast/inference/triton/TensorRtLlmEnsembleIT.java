package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

/** The contract over an ensemble round {@code tensorrt_llm}, with the tokenizer inside. */
class TensorRtLlmEnsembleIT extends TensorRtLlmContract {
  TensorRtLlmEnsembleIT() {
    super("ensemble");
  }

  private static InferStream stream(KServeClient client, int tokens) {
    return client.stream(
        InferRequest.of("ensemble")
            .input(Tensor.strings("text_input", List.of(1L, 1L), "int value = "))
            .input(Tensor.ints("max_tokens", List.of(1L, 1L), tokens))
            .input(Tensor.ints("end_id", List.of(1L, 1L), TOKENIZER.endOfTextId()))
            .input(Tensor.ints("pad_id", List.of(1L, 1L), TOKENIZER.endOfTextId()))
            .input(Tensor.bools("stream", List.of(1L, 1L), true))
            .output("text_output")
            .build());
  }

  /** Triton makes an ensemble decoupled by its steps, and hands on what its steps answer. */
  @Test
  void itIsDecoupledAndItsTextsComeWithoutTheBatchsDimension() {
    ModelDescription description = TensorRtLlmTriton.client().describe(ServedModel.of("ensemble"));
    assertThat(description.platform()).isEqualTo("ensemble");
    assertThat(description.decoupled()).isTrue();
    assertThat(description.outputs().getFirst().shape()).containsExactly(-1L, -1L);

    try (InferStream stream = stream(TensorRtLlmTriton.draining(), 2)) {
      assertThat(stream.next().orElseThrow().output("text_output").shape()).containsExactly(1L);
    }
  }

  /** Triton does not tell an ensemble's steps that the caller has left: they draw to the limit. */
  @Test
  void whoeverLeavesAnEnsembleFreesNothing() {
    long before = textsAtRest();

    try (InferStream stream = stream(TensorRtLlmTriton.client(), 60)) {
      assertThat(stream.next()).isPresent();
    }

    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (texts() < before + 60 && System.nanoTime() < deadline) {
      LockSupport.parkNanos(20_000_000);
    }
    assertThat(texts()).isEqualTo(before + 60);
  }

  /** How many there are when those who left in other tests draw no more. */
  private static long textsAtRest() {
    long last = -1;
    for (long now = texts(); now != last; now = texts()) {
      last = now;
      LockSupport.parkNanos(300_000_000);
    }
    return last;
  }

  private static long texts() {
    return TensorRtLlmTriton.client().statistics(ServedModel.of("postprocessing")).stream()
        .mapToLong(ModelCounts::executions)
        .sum();
  }
}
