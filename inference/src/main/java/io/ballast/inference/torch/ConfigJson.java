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
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

/** A decoder's {@code config.json}, as {@code transformers} 4 and 5 write it. */
final class ConfigJson {
  static final String FILE = "config.json";
  private static final String GENERATION = "generation_config.json";
  private static final List<String> ROPE_TYPES =
      List.of("default", "linear", "dynamic", "llama3", "yarn");
  private static final ObjectMapper JSON = new ObjectMapper();

  private ConfigJson() {}

  /** Returns the file as it is. */
  static JsonNode tree(Path file) {
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return JSON.readTree(file.toFile());
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  static DecoderConfig read(Path folder) {
    Path file = folder.resolve(FILE);
    JsonNode json = tree(file);
    Path generation = folder.resolve(GENERATION);
    List<Integer> ends = Files.isRegularFile(generation) ? ids(tree(generation)) : List.of();
    try {
      return parse(json, ends);
    } catch (IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  private static DecoderConfig parse(JsonNode json, List<Integer> generationEnds) {
    String type = json.path("model_type").asText("absent");
    DecoderFamily family =
        DecoderFamily.of(type)
            .orElseThrow(
                () ->
                    new IllegalArgumentException(
                        "model_type: "
                            + type
                            + " (expected: one of "
                            + DecoderFamily.modelTypes()
                            + ")"));
    require(!json.path("mlp_bias").asBoolean(false), "mlp_bias: true (expected: false)");
    require(
        !json.path("use_bidirectional_attention").asBoolean(false),
        "use_bidirectional_attention: true (expected: false)");
    int heads = integer(json, "num_attention_heads");
    int hidden = integer(json, "hidden_size");
    int headSize = optional(json, "head_dim", family.headSizeByDefault(hidden, heads));
    require(
        has(json, "head_dim") || headSize * heads == hidden || stated(family),
        "hidden_size: " + hidden + " (expected: an even multiple of num_attention_heads)");
    boolean attentionBias = json.path("attention_bias").asBoolean(false);
    Set<Integer> ends = new LinkedHashSet<>(ids(json));
    ends.addAll(generationEnds);
    if (ends.isEmpty()) {
      ends.addAll(family.endOfTextByDefault());
    }
    require(
        !ends.isEmpty(), "eos_token_id: absent (expected: an id, here or in " + GENERATION + ")");
    int end = ends.iterator().next();
    int begin = has(json, "bos_token_id") ? json.path("bos_token_id").asInt(end) : end;
    JsonNode rope = has(json, "rope_parameters") ? json.path("rope_parameters") : scaling(json);
    int positions = integer(json, "max_position_embeddings");
    return new DecoderConfig(
        family,
        hidden,
        integer(json, "intermediate_size"),
        integer(json, "num_hidden_layers"),
        heads,
        optional(json, "num_key_value_heads", family.keyValueHeadsByDefault(heads)),
        headSize,
        integer(json, "vocab_size"),
        Math.min(positions, window(family, json)),
        json.path("rms_norm_eps").asDouble(1e-6),
        has(json, "rope_theta")
            ? json.path("rope_theta").asDouble(0)
            : rope.path("rope_theta").asDouble(10_000),
        ropeScaling(rope, positions),
        activation(family, json),
        switch (family) {
          case QWEN2 -> true;
          case MISTRAL -> false;
          case LLAMA, QWEN3, GEMMA -> attentionBias;
        },
        switch (family) {
          case QWEN2, MISTRAL -> false;
          case LLAMA, QWEN3, GEMMA -> attentionBias;
        },
        has(json, "tie_word_embeddings")
            ? json.path("tie_word_embeddings").asBoolean()
            : family.tiedByDefault(),
        begin,
        List.copyOf(ends));
  }

  /** Whether the family's heads need not divide the residual stream. */
  private static boolean stated(DecoderFamily family) {
    return switch (family) {
      case QWEN3, GEMMA -> true;
      case LLAMA, MISTRAL, QWEN2 -> false;
    };
  }

  private static Activation activation(DecoderFamily family, JsonNode json) {
    String key = has(json, "hidden_activation") ? "hidden_activation" : "hidden_act";
    if (!has(json, key)) {
      return family.activationByDefault();
    }
    String code = json.path(key).asText();
    if (family == DecoderFamily.GEMMA && code.equals("gelu")) {
      return Activation.GELU_TANH; // the first release said so and meant this
    }
    return Activation.of(code)
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    key + ": " + code + " (expected: one of " + Activation.codes() + ")"));
  }

  /** The most tokens back that a token sees, itself included. */
  private static int window(DecoderFamily family, JsonNode json) {
    boolean windowed =
        switch (family) {
          case MISTRAL -> true;
          case QWEN2, QWEN3 -> json.path("use_sliding_window").asBoolean(false);
          case LLAMA, GEMMA -> false;
        };
    JsonNode window = json.path("sliding_window");
    if (!windowed || window.isNull()) {
      return Integer.MAX_VALUE;
    }
    return window.isMissingNode() ? 4096 : integer(json, "sliding_window");
  }

  private static JsonNode scaling(JsonNode json) {
    return json.path("rope_scaling");
  }

  private static RopeScaling ropeScaling(JsonNode rope, int positions) {
    if (!rope.isObject()) {
      require(
          rope.isMissingNode() || rope.isNull(),
          "rope_scaling: " + rope + " (expected: an object)");
      return new RopeScaling.None();
    }
    require(
        rope.path("partial_rotary_factor").asDouble(1) == 1,
        "partial_rotary_factor: " + rope.path("partial_rotary_factor") + " (expected: 1)");
    String type = rope.path("rope_type").asText(rope.path("type").asText("default"));
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(number(rope, "factor"));
      case "dynamic" -> new RopeScaling.DynamicNtk(number(rope, "factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              number(rope, "factor"),
              number(rope, "low_freq_factor"),
              number(rope, "high_freq_factor"),
              integer(rope, "original_max_position_embeddings"));
      case "yarn" -> yarn(rope, positions);
      default ->
          throw new IllegalArgumentException(
              "rope_scaling: type " + type + " (expected: one of " + ROPE_TYPES + ")");
    };
  }

  private static RopeScaling yarn(JsonNode rope, int positions) {
    int original = optional(rope, "original_max_position_embeddings", positions);
    double factor =
        has(rope, "factor") ? number(rope, "factor") : Math.max(1, (double) positions / original);
    double scale = rope.path("mscale").asDouble(0);
    double scaleAll = rope.path("mscale_all_dim").asDouble(0);
    double attention =
        has(rope, "attention_factor")
            ? number(rope, "attention_factor")
            : scale != 0 && scaleAll != 0
                ? RopeScaling.Yarn.temperature(factor, scale)
                    / RopeScaling.Yarn.temperature(factor, scaleAll)
                : RopeScaling.Yarn.temperature(factor, 1);
    return new RopeScaling.Yarn(
        factor,
        original,
        has(rope, "beta_fast") ? number(rope, "beta_fast") : 32,
        has(rope, "beta_slow") ? number(rope, "beta_slow") : 1,
        attention,
        rope.path("truncate").asBoolean(true));
  }

  /** Writes {@code folder/config.json} for weights of a type. */
  static void write(DecoderConfig config, Path folder, WeightType weights) throws IOException {
    write(folder, causal(config, weights));
  }

  static void write(Path folder, ObjectNode json) throws IOException {
    Files.writeString(folder.resolve(FILE), text(json));
  }

  /** What the file says. */
  static String text(ObjectNode json) throws IOException {
    return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n";
  }

  static ObjectNode causal(DecoderConfig config, WeightType weights) {
    DecoderFamily family = config.family();
    ObjectNode json = JSON.createObjectNode();
    json.putArray("architectures").add(family.causalArchitecture());
    json.put("model_type", family.modelType());
    json.put("hidden_size", config.hiddenSize());
    json.put("intermediate_size", config.intermediateSize());
    json.put("num_hidden_layers", config.layers());
    json.put("num_attention_heads", config.attentionHeads());
    json.put("num_key_value_heads", config.keyValueHeads());
    json.put("head_dim", config.headSize());
    json.put("vocab_size", config.vocabularySize());
    json.put("max_position_embeddings", config.contextTokens());
    json.put("rms_norm_eps", config.rmsNormEpsilon());
    json.put("rope_theta", config.ropeTheta());
    putScaling(json, config.ropeScaling());
    json.put("tie_word_embeddings", config.tiedHead());
    json.put("bos_token_id", config.beginOfTextId());
    if (config.endOfTextIds().size() == 1) {
      json.put("eos_token_id", config.endOfTextId());
    } else {
      config.endOfTextIds().forEach(json.putArray("eos_token_id")::add);
    }
    json.put("hidden_act", config.activation().code());
    switch (family) {
      case LLAMA -> {
        json.put("attention_bias", config.queryKeyValueBias());
        json.put("mlp_bias", false);
      }
      case QWEN3, GEMMA -> json.put("attention_bias", config.queryKeyValueBias());
      case MISTRAL, QWEN2 -> {}
    }
    switch (family) {
      case MISTRAL -> json.putNull("sliding_window");
      case QWEN2, QWEN3 -> json.put("use_sliding_window", false);
      case LLAMA, GEMMA -> {}
    }
    json.put("initializer_range", 0.02);
    json.put("torch_dtype", weights.torchName());
    return json;
  }

  private static void putScaling(ObjectNode json, RopeScaling scaling) {
    switch (scaling) {
      case RopeScaling.None none -> {}
      case RopeScaling.Linear linear ->
          json.putObject("rope_scaling").put("rope_type", "linear").put("factor", linear.factor());
      case RopeScaling.DynamicNtk ntk ->
          json.putObject("rope_scaling").put("rope_type", "dynamic").put("factor", ntk.factor());
      case RopeScaling.Llama3 llama3 ->
          json.putObject("rope_scaling")
              .put("rope_type", "llama3")
              .put("factor", llama3.factor())
              .put("low_freq_factor", llama3.lowFrequencyFactor())
              .put("high_freq_factor", llama3.highFrequencyFactor())
              .put("original_max_position_embeddings", llama3.originalContext());
      case RopeScaling.Yarn yarn ->
          json.putObject("rope_scaling")
              .put("rope_type", "yarn")
              .put("factor", yarn.factor())
              .put("original_max_position_embeddings", yarn.originalContext())
              .put("beta_fast", yarn.betaFast())
              .put("beta_slow", yarn.betaSlow())
              .put("attention_factor", yarn.attentionFactor())
              .put("truncate", yarn.truncate());
    }
  }

  /** The ids under {@code eos_token_id}: one, several or none. */
  private static List<Integer> ids(JsonNode json) {
    JsonNode node = json.path("eos_token_id");
    List<Integer> ids = new ArrayList<>();
    if (node.isArray()) {
      node.forEach(id -> ids.add(id.asInt(-1)));
    } else if (node.isNumber()) {
      ids.add(node.asInt(-1));
    }
    return ids;
  }

  private static boolean has(JsonNode json, String key) {
    return json.hasNonNull(key);
  }

  private static int optional(JsonNode json, String key, int absent) {
    return has(json, key) ? integer(json, key) : absent;
  }

  static int integer(JsonNode json, String key) {
    JsonNode node = json.path(key);
    require(
        node.isIntegralNumber() && node.canConvertToInt(),
        key + ": " + node + " (expected: a whole number)");
    return node.asInt();
  }

  private static double number(JsonNode json, String key) {
    JsonNode node = json.path(key);
    require(node.isNumber(), key + ": " + node + " (expected: a number)");
    return node.asDouble();
  }

  private static void require(boolean holds, String message) {
    if (!holds) {
      throw new IllegalArgumentException(message);
    }
  }
}
