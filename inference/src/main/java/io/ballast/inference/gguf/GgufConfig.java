package io.ballast.inference.gguf;

import io.ballast.inference.gguf.GgufFile.GgufTensor;
import io.ballast.inference.torch.Activation;
import io.ballast.inference.torch.DecoderConfig;
import io.ballast.inference.torch.DecoderFamily;
import io.ballast.inference.torch.RopeScaling;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A decoder's shape, from a GGUF file's metadata and tensors. */
final class GgufConfig {
  private GgufConfig() {}

  /**
   * Returns the shape.
   *
   * @throws IllegalArgumentException if the architecture is unknown, or a key is missing or out of
   *     range; named
   */
  static DecoderConfig of(GgufFile file) {
    GgufMetadata metadata = file.metadata();
    Map<String, GgufTensor> tensors = file.tensors();
    String architecture = metadata.requiredText("general.architecture");
    DecoderFamily family = family(architecture);
    String key = architecture + ".";
    int hidden = metadata.integer(key + "embedding_length");
    int heads = metadata.integer(key + "attention.head_count");
    int headSize = metadata.integer(key + "attention.key_length", heads > 0 ? hidden / heads : 0);
    require(
        metadata.integer(key + "attention.value_length", headSize) == headSize,
        key + "attention.value_length: other than the keys'");
    require(
        metadata.integer(key + "rope.dimension_count", headSize) == headSize,
        key + "rope.dimension_count: other than a head's width, " + headSize);
    boolean bias = tensors.containsKey("blk.0.attn_q.bias");
    List<Integer> ends = new ArrayList<>();
    for (String end : List.of("eos_token_id", "eot_token_id")) {
      int id = metadata.integer("tokenizer.ggml." + end, -1);
      if (id >= 0 && !ends.contains(id)) {
        ends.add(id);
      }
    }
    require(!ends.isEmpty(), "tokenizer.ggml.eos_token_id: absent (expected: an id)");
    GgufTensor embedding = tensors.get("token_embd.weight");
    if (embedding == null) {
      throw new IllegalArgumentException("tensor token_embd.weight: missing");
    }
    double theta = metadata.number(key + "rope.freq_base", 10_000);
    return new DecoderConfig(
        family,
        hidden,
        metadata.integer(key + "feed_forward_length"),
        metadata.integer(key + "block_count"),
        heads,
        metadata.integer(key + "attention.head_count_kv", heads),
        headSize,
        vocabularySize(embedding),
        metadata.integer(key + "context_length"),
        metadata.number(key + "attention.layer_norm_rms_epsilon", 1e-6),
        theta,
        scaling(file, key, theta, headSize),
        switch (family) {
          case GEMMA -> Activation.GELU_TANH;
          case LLAMA, MISTRAL, QWEN2, QWEN3 -> Activation.SILU;
        },
        bias,
        tensors.containsKey("blk.0.attn_output.bias"),
        !tensors.containsKey("output.weight"),
        metadata.integer("tokenizer.ggml.bos_token_id", ends.getFirst()),
        ends);
  }

  private static int vocabularySize(GgufTensor embedding) {
    List<Long> shape = embedding.shape();
    require(
        shape.size() == 2 && shape.getFirst() <= Integer.MAX_VALUE,
        "tensor token_embd.weight: shape " + shape + " (expected: [vocabulary, embedding_length])");
    return shape.getFirst().intValue();
  }

  private static DecoderFamily family(String architecture) {
    for (DecoderFamily family : DecoderFamily.values()) {
      if (family.modelType().equals(architecture)
          && GgufModel.architectures().contains(architecture)) {
        return family;
      }
    }
    throw new IllegalArgumentException(
        "general.architecture: "
            + architecture
            + " (expected: one of "
            + GgufModel.architectures()
            + ")");
  }

  private static RopeScaling scaling(GgufFile file, String key, double theta, int headSize) {
    GgufMetadata metadata = file.metadata();
    GgufTensor factors = file.tensors().get("rope_freqs.weight");
    if (factors != null) {
      return llama3(file, factors, theta, headSize);
    }
    // what llama.cpp takes for absent: an older name of the factor, linear, and 0 for no factor
    String type = metadata.text(key + "rope.scaling.type").orElse("linear");
    double given =
        metadata.number(key + "rope.scaling.factor", metadata.number(key + "rope.scale_linear", 1));
    double factor = given == 0 ? 1 : given;
    return switch (type) {
      case "none" -> new RopeScaling.None();
      case "linear" -> factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
      case "yarn" ->
          new RopeScaling.Yarn(
              factor,
              metadata.integer(key + "rope.scaling.original_context_length"),
              metadata.number(key + "rope.scaling.yarn_beta_fast", 32),
              metadata.number(key + "rope.scaling.yarn_beta_slow", 1),
              metadata.number(key + "rope.scaling.attn_factor", 1)
                  * RopeScaling.Yarn.temperature(factor, 1),
              true);
      default ->
          throw new IllegalArgumentException(
              key + "rope.scaling.type: " + type + " (expected: one of [none, linear, yarn])");
    };
  }

  /**
   * Llama 3.1's stretched frequencies come as what each is divided by; the numbers that made them
   * are the same in all its releases but for the largest factor.
   */
  private static RopeScaling llama3(GgufFile file, GgufTensor factors, double theta, int headSize) {
    require(
        factors.count() == headSize / 2 && factors.shape().size() == 1,
        "tensor rope_freqs.weight: shape "
            + factors.shape()
            + " (expected: ["
            + headSize / 2
            + "])");
    double[] divisors = new double[headSize / 2];
    file.read(
        factors,
        row -> row,
        (values, count, at) -> {
          for (int i = 0; i < count; i++) {
            divisors[(int) at + i] = values[i];
          }
        });
    double most = 1;
    for (double divisor : divisors) {
      most = Math.max(most, divisor);
    }
    RopeScaling.Llama3 guess = new RopeScaling.Llama3(most, 1, 4, 8192);
    double[] plain = new RopeScaling.None().frequencies(theta, headSize);
    double[] stretched = guess.frequencies(theta, headSize);
    for (int i = 0; i < divisors.length; i++) {
      require(
          Math.abs(plain[i] / divisors[i] - stretched[i]) <= 1e-4 * stretched[i],
          "tensor rope_freqs.weight["
              + i
              + "]: "
              + divisors[i]
              + " (expected: those of Llama 3.1, which stretch an original context of 8192)");
    }
    return guess;
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
