package io.ballast.inference.torch;

import io.ballast.inference.api.ModelException;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The shape of a decoder, as a Hugging Face {@code config.json} states it.
 *
 * @param family which architecture it is
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the gated feed-forward layer
 * @param layers number of blocks
 * @param attentionHeads query heads, a multiple of {@code keyValueHeads}
 * @param keyValueHeads key and value heads
 * @param headSize width of one head, even
 * @param vocabularySize number of token ids
 * @param contextTokens the most tokens of prompt and completion together; where attention has a
 *     window, no more than that, so that the window never cuts and full attention is exact
 * @param rmsNormEpsilon added to the mean square, &gt; 0
 * @param ropeTheta base of the rotary frequencies, &gt; 0
 * @param ropeScaling how they are stretched
 * @param activation of the feed-forward layer's gate
 * @param queryKeyValueBias whether queries, keys and values have biases
 * @param outputBias whether attention's output has a bias
 * @param tiedHead whether the head shares the embedding's weights
 * @param beginOfTextId id of the token that begins a text
 * @param endOfTextIds ids of the tokens that end a text, the usual one first
 */
public record DecoderConfig(
    DecoderFamily family,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int attentionHeads,
    int keyValueHeads,
    int headSize,
    int vocabularySize,
    int contextTokens,
    double rmsNormEpsilon,
    double ropeTheta,
    RopeScaling ropeScaling,
    Activation activation,
    boolean queryKeyValueBias,
    boolean outputBias,
    boolean tiedHead,
    int beginOfTextId,
    List<Integer> endOfTextIds) {

  /** More than any model has; what a file only claims must not cost memory. */
  private static final int MAX_LAYERS = 1_024;

  public DecoderConfig {
    endOfTextIds = List.copyOf(endOfTextIds);
    requirePositive(hiddenSize, "hidden_size");
    requirePositive(intermediateSize, "intermediate_size");
    require(
        layers > 0 && layers <= MAX_LAYERS,
        "num_hidden_layers: " + layers + " (expected: 1 to " + MAX_LAYERS + ")");
    requirePositive(attentionHeads, "num_attention_heads");
    requirePositive(keyValueHeads, "num_key_value_heads");
    requirePositive(headSize, "head_dim");
    requirePositive(vocabularySize, "vocab_size");
    requirePositive(contextTokens, "max_position_embeddings");
    require(headSize % 2 == 0, "head_dim: " + headSize + " (expected: even)");
    require(
        attentionHeads % keyValueHeads == 0,
        "num_attention_heads: "
            + attentionHeads
            + " (expected: a multiple of num_key_value_heads)");
    require(
        rmsNormEpsilon > 0 && Double.isFinite(rmsNormEpsilon),
        "rms_norm_eps: " + rmsNormEpsilon + " (expected: > 0)");
    require(
        ropeTheta > 0 && Double.isFinite(ropeTheta),
        "rope_theta: " + ropeTheta + " (expected: > 0)");
    requireToken(beginOfTextId, vocabularySize, "bos_token_id");
    require(!endOfTextIds.isEmpty(), "eos_token_id: none (expected: an id)");
    for (int id : endOfTextIds) {
      requireToken(id, vocabularySize, "eos_token_id");
    }
  }

  /** A Llama without biases whose heads divide the residual stream and whose rope is plain. */
  public DecoderConfig(
      int hiddenSize,
      int intermediateSize,
      int layers,
      int attentionHeads,
      int keyValueHeads,
      int vocabularySize,
      int contextTokens,
      double rmsNormEpsilon,
      double ropeTheta,
      boolean tiedHead,
      int beginOfTextId,
      int endOfTextId) {
    this(
        DecoderFamily.LLAMA,
        hiddenSize,
        intermediateSize,
        layers,
        attentionHeads,
        keyValueHeads,
        dividedHeadSize(hiddenSize, attentionHeads),
        vocabularySize,
        contextTokens,
        rmsNormEpsilon,
        ropeTheta,
        new RopeScaling.None(),
        Activation.SILU,
        false,
        false,
        tiedHead,
        beginOfTextId,
        List.of(endOfTextId));
  }

  private static int dividedHeadSize(int hiddenSize, int heads) {
    requirePositive(hiddenSize, "hidden_size");
    requirePositive(heads, "num_attention_heads");
    require(
        hiddenSize % (2 * heads) == 0,
        "hidden_size: " + hiddenSize + " (expected: an even multiple of num_attention_heads)");
    return hiddenSize / heads;
  }

  /**
   * The embedded default's shape: width 192, 6 blocks of 6 heads, SwiGLU 512, tied head, context
   * 256; 3,443,136 parameters with 4,096 ids. Id 0 begins and ends texts.
   */
  public static DecoderConfig tiny(int vocabularySize) {
    return new DecoderConfig(192, 512, 6, 6, 6, vocabularySize, 256, 1e-5, 10_000, true, 0, 0);
  }

  /** Returns the same shape with the embedding as its head: that of a trunk without a head. */
  DecoderConfig withTiedHead() {
    return new DecoderConfig(
        family,
        hiddenSize,
        intermediateSize,
        layers,
        attentionHeads,
        keyValueHeads,
        headSize,
        vocabularySize,
        contextTokens,
        rmsNormEpsilon,
        ropeTheta,
        ropeScaling,
        activation,
        queryKeyValueBias,
        outputBias,
        true,
        beginOfTextId,
        endOfTextIds);
  }

  /** Width of all query heads together. */
  public int queryWidth() {
    return attentionHeads * headSize;
  }

  /** Width of all key heads together, and of all value heads. */
  public int keyValueWidth() {
    return keyValueHeads * headSize;
  }

  /** The id that usually ends a text. */
  public int endOfTextId() {
    return endOfTextIds.getFirst();
  }

  /** What is added to the weight of a norm. */
  public double normOffset() {
    return family.normOffset();
  }

  /** What embeddings are multiplied by. */
  public double embeddingScale() {
    return family.embeddingScale(hiddenSize);
  }

  /** Whether each head's queries and keys are normalised before they are rotated. */
  public boolean queryKeyNorm() {
    return family.queryKeyNorm();
  }

  /**
   * Whether it is a Llama in the narrowest sense: no biases, no stretched rope, heads that divide
   * the residual stream, SwiGLU. Some code knows no other.
   */
  public boolean isPlainLlama() {
    boolean plainRope =
        switch (ropeScaling) {
          case RopeScaling.None none -> true;
          case RopeScaling.DynamicNtk ntk -> true;
          case RopeScaling.Linear linear -> false;
          case RopeScaling.Llama3 llama3 -> false;
          case RopeScaling.Yarn yarn -> false;
        };
    boolean plainFamily =
        switch (family) {
          case LLAMA, MISTRAL, QWEN2 -> true;
          case QWEN3, GEMMA -> false;
        };
    return plainRope
        && plainFamily
        && !queryKeyValueBias
        && !outputBias
        && activation == Activation.SILU
        && queryWidth() == hiddenSize;
  }

  /** Number of trained numbers. */
  public long parameterCount() {
    return new ParameterLayout(this).size();
  }

  /** The shapes of its weights, by their names in a Hugging Face folder. */
  public Map<String, List<Long>> weightShapes() {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    for (ParameterLayout.Parameter parameter : new ParameterLayout(this).parameters()) {
      shapes.put(parameter.name(), parameter.shape());
    }
    return shapes;
  }

  /**
   * Reads {@code folder/config.json}, and the ids that end a text from {@code
   * generation_config.json} too.
   *
   * @throws ModelException INVALID_FOLDER if it is missing, of an unknown architecture, or out of
   *     range, named
   */
  public static DecoderConfig read(Path folder) {
    return ConfigJson.read(folder);
  }

  /** Writes {@code folder/config.json}, as {@code transformers} reads it, for weights of a type. */
  public void write(Path folder, WeightType weights) throws IOException {
    ConfigJson.write(this, folder, weights);
  }

  private static void requireToken(int id, int vocabularySize, String name) {
    require(
        id >= 0 && id < vocabularySize,
        name + ": " + id + " (expected: ≥ 0 and < vocab_size " + vocabularySize + ")");
  }

  private static void requirePositive(int value, String name) {
    require(value > 0, name + ": " + value + " (expected: > 0)");
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
