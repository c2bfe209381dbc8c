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

/**
 * An encoder as the field lays it out: model.onnx and tokenizer.json, and, where a sentence encoder
 * brings them, sentence_bert_config.json (length), 1_Pooling/config.json (pooling) and modules.json
 * (whether a Normalize step follows).
 *
 * @param model the ONNX file
 * @param tokenizer the tokenizer's file
 * @param maxTokens the longest text, special tokens included, in tokens
 * @param pooling how the vectors of tokens become one; means where nothing is said
 * @param normalized whether embeddings are scaled to length 1; so where nothing is said
 */
record EncoderFolder(
    Path model, Path tokenizer, int maxTokens, Pooling pooling, boolean normalized) {
  private static final String MODEL = "model.onnx";
  private static final String TOKENIZER = "tokenizer.json";
  private static final int BERT_TOKENS = 512;
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
    int longest =
        json(folder, "sentence_bert_config.json")
            .path("max_seq_length")
            .asInt(json(folder, "config.json").path("max_position_embeddings").asInt(BERT_TOKENS));
    if (longest < 1) {
      throw invalid(folder, "max_seq_length: " + longest + " (expected: ≥ 1)");
    }
    JsonNode modules = json(folder, "modules.json");
    boolean normalized = modules.isMissingNode() || modules.toString().contains(".Normalize\"");
    return new EncoderFolder(
        model,
        tokenizer,
        longest,
        pooling(folder, json(folder, "1_Pooling/config.json")),
        normalized);
  }

  private static Pooling pooling(Path folder, JsonNode config) {
    if (config.isMissingNode() || config.path("pooling_mode_mean_tokens").asBoolean()) {
      return Pooling.MEAN;
    }
    if (config.path("pooling_mode_cls_token").asBoolean()) {
      return Pooling.FIRST_TOKEN;
    }
    throw invalid(
        folder,
        "1_Pooling/config.json: "
            + config
            + " (expected: pooling_mode_mean_tokens or pooling_mode_cls_token)");
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
      return JSON.readTree(file.toFile());
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  private static ModelException invalid(Path folder, String what) {
    return new ModelException(Reason.INVALID_FOLDER, folder + ": " + what);
  }
}
