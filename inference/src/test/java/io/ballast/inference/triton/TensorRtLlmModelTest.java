package io.ballast.inference.triton;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.SamplingOptions;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.triton.ModelDescription.TensorPromise;
import io.ballast.kserve.v2.ModelConfig;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a model declares is used as it is declared, or refused when it is opened. */
class TensorRtLlmModelTest {
  private static final Map<String, TensorType> INPUTS =
      Map.ofEntries(
          Map.entry("input_ids", TensorType.INT32),
          Map.entry("input_lengths", TensorType.INT32),
          Map.entry("request_output_len", TensorType.INT64),
          Map.entry("runtime_top_p", TensorType.FP32),
          Map.entry("temperature", TensorType.FP64),
          Map.entry("return_log_probs", TensorType.BOOL),
          Map.entry("seed", TensorType.UINT64));
  private static final Map<String, TensorType> OUTPUTS =
      Map.of(
          "output_ids", TensorType.INT32,
          "sequence_length", TensorType.INT32,
          "output_log_probs", TensorType.FP32);

  /** The model with one tensor of another type than is usual. */
  private static TensorRtLlmModel of(String name, TensorType type) {
    Map<String, TensorType> inputs = new HashMap<>(INPUTS);
    Map<String, TensorType> outputs = new HashMap<>(OUTPUTS);
    (outputs.containsKey(name) ? outputs : inputs).put(name, type);
    return TensorRtLlmModel.of(
        ServedModel.of("m"),
        new ModelDescription(
            "m", List.of("1"), "tensorrtllm", promises(inputs), promises(outputs), 8, false),
        ModelConfig.getDefaultInstance());
  }

  private static List<TensorPromise> promises(Map<String, TensorType> types) {
    return types.entrySet().stream()
        .map(e -> new TensorPromise(e.getKey(), e.getValue(), List.of(-1L, -1L), false))
        .toList();
  }

  private static Tensor sent(TensorRtLlmModel model, String name, long seed) {
    return model
        .request(SamplingOptions.builder().seed(seed).build(), 0, "", TokenIds.of(5, 70_000))
        .inputs()
        .stream()
        .filter(input -> input.name().equals(name))
        .map(Tensor.class::cast)
        .findFirst()
        .orElseThrow();
  }

  @ParameterizedTest
  @CsvSource({
    "input_ids, FP32, takes",
    "input_ids, INT16, takes",
    "input_lengths, BYTES, takes",
    "request_output_len, UINT8, takes",
    "runtime_top_p, FP16, takes",
    "temperature, INT32, takes",
    "return_log_probs, INT32, takes",
    "seed, INT8, takes",
    "bad_words, INT32, takes",
    "output_ids, INT64, gives",
    "sequence_length, FP32, gives",
    "output_log_probs, FP64, gives",
  })
  void aTensorOfAnotherTypeIsRefusedByName(String name, TensorType type, String does) {
    assertThatThrownBy(() -> of(name, type))
        .isInstanceOfSatisfying(
            ModelException.class, e -> assertThat(e.reason()).isEqualTo(Reason.UNSUPPORTED))
        .hasMessageStartingWith(
            "model 'm': %s %s of type %s (expected: [".formatted(does, name, type));
  }

  @ParameterizedTest
  @CsvSource({"input_ids, INT64", "request_output_len, UINT32", "runtime_top_p, FP64"})
  void whatIsDeclaredIsSent(String name, TensorType type) {
    assertThat(sent(of(name, type), name, 0).type()).isEqualTo(type);
  }

  /** A model of 32 bits draws the same for the same seed, and is never asked for what it cannot. */
  @ParameterizedTest
  @CsvSource({
    "UINT64, 7, 7",
    "UINT64, -1, -1",
    "INT64, -9223372036854775808, -9223372036854775808",
    "INT32, 7, 7",
    "INT32, 4294967303, 6", // 1 above, 7 below
    "INT32, 2147483648, -2147483648",
    "UINT32, 2147483648, 2147483648",
    "UINT32, -4294967297, 1", // −2 above, −1 below
  })
  void aSeedIsFoldedIntoTheBitsThereAre(TensorType type, long seed, long sent) {
    assertThat(sent(of("seed", type), "seed", seed).longs()).containsExactly(sent);
  }

  @Test
  void theOldNameOfTheSeedIsSentToo() {
    assertThat(sent(of("random_seed", TensorType.INT32), "random_seed", 1L << 40).longs())
        .containsExactly(1L << 8);
  }
}
