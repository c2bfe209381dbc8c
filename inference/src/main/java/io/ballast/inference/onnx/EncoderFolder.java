package io.ballast.inference.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * An encoder as the field lays it out: model.onnx and tokenizer.json, and, where a sentence encoder
 * brings them, sentence_bert_config.json (length), 1_Pooling/config.json (pooling) and modules.json
 * (whether a Normalize step follows). What else would have to be done to a vector is refused.
 *
 * @param model the ONNX file
 * @param tokenizer the tokenizer's file
 * @param maxTokens the longest text, special tokens included, in tokens
 * @param pooling how the numbers of tokens become a text's; empty: nothing is said
 * @param normalized whether embeddings are scaled to length 1; so where nothing is said
 * @param largestTokenId the largest id that the tokenizer may make
 */
record EncoderFolder(
    Path model,
    Path tokenizer,
    int maxTokens,
    Optional<Pooling> pooling,
    boolean normalized,
    int largestTokenId) {
  static final String MODEL = "model.onnx";
  static final String TOKENIZER = "tokenizer.json";
  static final String CONFIG = "config.json";
  static final String SENTENCE_CONFIG = "sentence_bert_config.json";
  static final String MODULES = "modules.json";
  static final String POOLING = "1_Pooling/config.json";
  private static final String NORMALIZE = "Normalize";
  private static final int BERT_TOKENS = 512;
  private static final List<String> KNOWN_MODULES = List.of("Transformer", "Pooling", NORMALIZE);

  /** Kinds of model that number positions from the one after that of padding. */
  private static final Set<String> POSITIONS_AFTER_PADDING =
      Set.of(
          "camembert",
          "data2vec-text",
          "ibert",
          "longformer",
          "mpnet",
          "roberta",
          "roberta-prelayernorm",
          "xlm-roberta",
          "xlm-roberta-xl",
          "xmod");

  private static final ObjectMapper JSON = new ObjectMapper();

  /**
   * Reads what a folder says of itself, and compares checksums where it lists them.
   *
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum differs
   */
  static EncoderFolder read(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    Path model = required(folder, MODEL);
    Path tokenizer = required(folder, TOKENIZER);
    JsonNode modules = json(folder, MODULES);
    boolean normalized = modules.isMissingNode();
    for (int i = 0; i < modules.size(); i++) {
      normalized |= module(folder, modules.path(i), i).equals(NORMALIZE);
    }
    return new EncoderFolder(
        model,
        tokenizer,
        longest(folder),
        pooling(folder, json(folder, POOLING)),
        normalized,
        largestTokenId(json(folder, TOKENIZER)));
  }

  /** Vocabularies are objects from text to id, or, of unigrams, lists in the order of the ids. */
  private static int largestTokenId(JsonNode tokenizer) {
    JsonNode vocabulary = tokenizer.path("model").path("vocab");
    int largest = vocabulary.isArray() ? vocabulary.size() - 1 : 0;
    if (vocabulary.isObject()) {
      for (JsonNode id : vocabulary) {
        largest = Math.max(largest, id.asInt());
      }
    }
    for (JsonNode token : tokenizer.path("added_tokens")) {
      largest = Math.max(largest, token.path("id").asInt());
    }
    return Math.max(0, largest);
  }

  /** Returns a module's kind, which is one of those that are honoured. */
  private static String module(Path folder, JsonNode module, int index) {
    String type = module.path("type").asText();
    String kind = type.substring(type.lastIndexOf('.') + 1);
    if (!KNOWN_MODULES.contains(kind)) {
      throw invalid(
          folder,
          "modules.json: [%d].type: '%s' (expected: one of %s)"
              .formatted(index, type, KNOWN_MODULES));
    }
    return kind;
  }

  private static int longest(Path folder) {
    JsonNode config = json(folder, CONFIG);
    int positions = config.path("max_position_embeddings").asInt(BERT_TOKENS);
    if (POSITIONS_AFTER_PADDING.contains(config.path("model_type").asText())) {
      positions -= config.path("pad_token_id").asInt(1) + 1; // those of padding come first
    }
    int said = json(folder, SENTENCE_CONFIG).path("max_seq_length").asInt(positions);
    if (said < 1 || positions < 1) {
      throw invalid(folder, "max_seq_length: " + Math.min(said, positions) + " (expected: ≥ 1)");
    }
    return Math.min(said, positions);
  }

  private static Optional<Pooling> pooling(Path folder, JsonNode config) {
    if (config.isMissingNode()) {
      return Optional.empty();
    }
    List<String> modes = new ArrayList<>();
    for (Map.Entry<String, JsonNode> entry : config.properties()) {
      if (entry.getKey().startsWith("pooling_mode_") && entry.getValue().asBoolean()) {
        modes.add(entry.getKey());
      }
    }
    for (Pooling way : Pooling.values()) {
      if (modes.equals(List.of(way.mode()))) {
        return Optional.of(way);
      }
    }
    throw invalid(
        folder,
        "1_Pooling/config.json: "
            + modes
            + " (expected: pooling_mode_mean_tokens, pooling_mode_cls_token or"
            + " pooling_mode_lasttoken, and no other)");
  }

  private static Path required(Path folder, String name) {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    return file;
  }

  private static JsonNode json(Path folder, String name) {
    Path file = folder.resolve(name);
    if (!Files.isRegularFile(file)) {
      return MissingNode.getInstance();
    }
    try {
      JsonNode json = JSON.readTree(file.toFile());
      if (json.isMissingNode()) {
        throw new ModelException(Reason.INVALID_FOLDER, file + ": empty (expected: JSON)");
      }
      return json;
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  private static ModelException invalid(Path folder, String what) {
    return new ModelException(Reason.INVALID_FOLDER, folder + ": " + what);
  }
}
