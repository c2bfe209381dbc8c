package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The shape of a Llama-family decoder, as a Hugging Face {@code config.json} states it.
 *
 * @param hiddenSize width of the residual stream, a multiple of {@code attentionHeads}; the width
 *     of a head is even
 * @param intermediateSize width of the gated feed-forward layer
 * @param layers number of blocks
 * @param attentionHeads query heads, a multiple of {@code keyValueHeads}
 * @param keyValueHeads key and value heads
 * @param vocabularySize number of token ids
 * @param contextTokens the most tokens of prompt and completion together
 * @param rmsNormEpsilon added to the mean square, &gt; 0
 * @param ropeTheta base of the rotary frequencies, &gt; 0
 * @param tiedHead whether the head shares the embedding's weights
 * @param beginOfTextId id of the token that begins a text
 * @param endOfTextId id of the token that ends a text
 */
public record DecoderConfig(
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

  private static final String FILE = "config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  public DecoderConfig {
    requirePositive(hiddenSize, "hidden_size");
    requirePositive(intermediateSize, "intermediate_size");
    requirePositive(layers, "num_hidden_layers");
    requirePositive(attentionHeads, "num_attention_heads");
    requirePositive(keyValueHeads, "num_key_value_heads");
    requirePositive(vocabularySize, "vocab_size");
    requirePositive(contextTokens, "max_position_embeddings");
    require(
        hiddenSize % (2 * attentionHeads) == 0,
        "hidden_size: " + hiddenSize + " (expected: an even multiple of num_attention_heads)");
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
    requireToken(endOfTextId, vocabularySize, "eos_token_id");
  }

  /**
   * The embedded default's shape: width 192, 6 blocks of 6 heads, SwiGLU 512, tied head, context
   * 256; 3,443,136 parameters with 4,096 ids. Id 0 begins and ends texts.
   */
  public static DecoderConfig tiny(int vocabularySize) {
    return new DecoderConfig(192, 512, 6, 6, 6, vocabularySize, 256, 1e-5, 10_000, true, 0, 0);
  }

  /** Width of one head. */
  public int headSize() {
    return hiddenSize / attentionHeads;
  }

  /** Number of trained numbers. */
  public long parameterCount() {
    return new ParameterLayout(this).size();
  }

  /**
   * Reads {@code folder/config.json}.
   *
   * @throws ModelException INVALID_FOLDER if it is missing, not a Llama's, or out of range, named
   */
  public static DecoderConfig read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return parse(JSON.readTree(file.toFile()));
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /** Writes {@code folder/config.json}, as {@code transformers} reads it, for weights of a type. */
  public void write(Path folder, WeightType weights) throws IOException {
    ObjectNode json = JSON.createObjectNode();
    json.putArray("architectures").add("LlamaForCausalLM");
    json.put("model_type", "llama");
    json.put("hidden_size", hiddenSize);
    json.put("intermediate_size", intermediateSize);
    json.put("num_hidden_layers", layers);
    json.put("num_attention_heads", attentionHeads);
    json.put("num_key_value_heads", keyValueHeads);
    json.put("head_dim", headSize());
    json.put("vocab_size", vocabularySize);
    json.put("max_position_embeddings", contextTokens);
    json.put("rms_norm_eps", rmsNormEpsilon);
    json.put("rope_theta", ropeTheta);
    json.put("tie_word_embeddings", tiedHead);
    json.put("bos_token_id", beginOfTextId);
    json.put("eos_token_id", endOfTextId);
    json.put("hidden_act", "silu");
    json.put("attention_bias", false);
    json.put("mlp_bias", false);
    json.put("initializer_range", 0.02);
    json.put("torch_dtype", weights.torchName());
    Files.writeString(
        folder.resolve(FILE),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }

  private static DecoderConfig parse(JsonNode json) {
    String type = json.path("model_type").asText("absent");
    require(type.equals("llama"), "model_type: " + type + " (expected: llama)");
    require(
        json.path("hidden_act").asText("silu").equals("silu"),
        "hidden_act: only silu is supported");
    JsonNode scaling = json.path("rope_scaling");
    require(
        scaling.isMissingNode() || scaling.isNull() || plainRope(scaling),
        "rope_scaling: " + scaling + " (expected: none)");
    require(
        !json.path("attention_bias").asBoolean(false) && !json.path("mlp_bias").asBoolean(false),
        "attention_bias, mlp_bias: true (expected: false)");
    int heads = integer(json, "num_attention_heads");
    int hidden = integer(json, "hidden_size");
    int headSize = json.path("head_dim").asInt(0);
    require(
        headSize == 0 || headSize * heads == hidden,
        "head_dim: " + headSize + " (expected: hidden_size / num_attention_heads)");
    JsonNode theta = json.path("rope_theta");
    if (theta.isMissingNode()) {
      theta = json.path("rope_parameters").path("rope_theta");
    }
    int end = tokenId(json, "eos_token_id", 0);
    return new DecoderConfig(
        hidden,
        integer(json, "intermediate_size"),
        integer(json, "num_hidden_layers"),
        heads,
        json.path("num_key_value_heads").asInt(heads),
        integer(json, "vocab_size"),
        integer(json, "max_position_embeddings"),
        json.path("rms_norm_eps").asDouble(1e-6),
        theta.asDouble(10_000),
        json.path("tie_word_embeddings").asBoolean(false),
        tokenId(json, "bos_token_id", end),
        end);
  }

  private static boolean plainRope(JsonNode scaling) {
    return scaling.path("rope_type").asText("").equals("default");
  }

  /** An id, or the first of a list of ids. */
  private static int tokenId(JsonNode json, String key, int absent) {
    JsonNode node = json.path(key);
    return node.isArray() ? node.path(0).asInt(absent) : node.asInt(absent);
  }

  private static int integer(JsonNode json, String key) {
    JsonNode node = json.path(key);
    require(node.isIntegralNumber(), key + ": " + node + " (expected: a whole number)");
    return node.asInt();
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
