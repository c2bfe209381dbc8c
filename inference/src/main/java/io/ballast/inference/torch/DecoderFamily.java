package io.ballast.inference.torch;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The decoder architectures that can be read, trained and written. They share one shape; what
 * differs is either stated here, because the family always has it, or in {@link DecoderConfig},
 * because its config.json says so.
 */
public enum DecoderFamily {
  /** Llama 1 to 3, SmolLM2, TinyLlama. */
  LLAMA("llama", "Llama"),
  /** Mistral: a Llama whose attention may be limited to a window. */
  MISTRAL("mistral", "Mistral"),
  /** Qwen2 and Qwen2.5: biases on queries, keys and values. */
  QWEN2("qwen2", "Qwen2"),
  /** Qwen3: queries and keys are normalised per head; a head's width is stated. */
  QWEN3("qwen3", "Qwen3"),
  /** Gemma 1: scaled embeddings, norms that multiply by 1 + w, a gate through GELU. */
  GEMMA("gemma", "Gemma");

  private final String modelType;
  private final String className;

  DecoderFamily(String modelType, String className) {
    this.modelType = modelType;
    this.className = className;
  }

  /** Its {@code model_type} in a config.json. */
  public String modelType() {
    return modelType;
  }

  /** The class of {@code transformers} that generates with it. */
  public String causalArchitecture() {
    return className + "ForCausalLM";
  }

  /** The class of {@code transformers} that scores texts with it. */
  public String classifierArchitecture() {
    return className + "ForSequenceClassification";
  }

  /** Whether each head's queries and keys are normalised before they are rotated. */
  boolean queryKeyNorm() {
    return switch (this) {
      case QWEN3 -> true;
      case LLAMA, MISTRAL, QWEN2, GEMMA -> false;
    };
  }

  /** What is added to the weight of a norm. */
  double normOffset() {
    return switch (this) {
      case GEMMA -> 1;
      case LLAMA, MISTRAL, QWEN2, QWEN3 -> 0;
    };
  }

  /** What embeddings are multiplied by. */
  double embeddingScale(int hiddenSize) {
    return switch (this) {
      case GEMMA -> Math.sqrt(hiddenSize);
      case LLAMA, MISTRAL, QWEN2, QWEN3 -> 1;
    };
  }

  /** Whether the head shares the embedding's weights where a config.json does not say. */
  boolean tiedByDefault() {
    return switch (this) {
      case GEMMA -> true;
      case LLAMA, MISTRAL, QWEN2, QWEN3 -> false;
    };
  }

  /** The activation where a config.json does not say. */
  Activation activationByDefault() {
    return switch (this) {
      case GEMMA -> Activation.GELU_TANH;
      case LLAMA, MISTRAL, QWEN2, QWEN3 -> Activation.SILU;
    };
  }

  /** The width of a head where a config.json does not say. */
  int headSizeByDefault(int hiddenSize, int heads) {
    return switch (this) {
      case QWEN3 -> 128;
      case GEMMA -> 256;
      case LLAMA, MISTRAL, QWEN2 -> heads == 0 ? 0 : hiddenSize / heads;
    };
  }

  /** The number of key-value heads where a config.json does not say. */
  int keyValueHeadsByDefault(int heads) {
    return switch (this) {
      case LLAMA -> heads;
      case MISTRAL -> 8;
      case QWEN2, QWEN3 -> 32;
      case GEMMA -> 16;
    };
  }

  /** Ids that end a text where neither config.json nor generation_config.json names any. */
  List<Integer> endOfTextByDefault() {
    return switch (this) {
      case LLAMA, MISTRAL -> List.of(2);
      case GEMMA -> List.of(1);
      case QWEN2, QWEN3 -> List.of();
    };
  }

  /** The family of a {@code model_type}; empty if it is none of these. */
  public static Optional<DecoderFamily> of(String modelType) {
    return Arrays.stream(values()).filter(f -> f.modelType.equals(modelType)).findFirst();
  }

  /** All {@code model_type}s, for messages. */
  static List<String> modelTypes() {
    return Arrays.stream(values()).map(DecoderFamily::modelType).toList();
  }
}
