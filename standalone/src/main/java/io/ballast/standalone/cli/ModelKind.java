package io.ballast.standalone.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.brought.BroughtManifest;
import io.ballast.inference.onnx.EncoderDescription;
import io.ballast.reward.adapter.CompositeFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** What a model folder holds, as its files say. */
enum ModelKind {
  /** A language model. */
  DECODER("a decoder"),
  /** Reward or cost heads on a decoder. */
  SCORING("scoring heads"),
  /** A reward that is made of components. */
  COMPOSITE("a composite reward"),
  /** The display gate's trees. */
  GATE("a gate"),
  /** An encoder in ONNX, or a classifier there. */
  ENCODER("an encoder in ONNX"),
  /** A sequence classifier as a Hugging Face folder. */
  CLASSIFIER("a classifier"),
  /** Classifiers that judge: a manifest that names them. */
  BROUGHT("an ensemble of classifiers"),
  /** Something else. */
  UNKNOWN("of no kind that is known");

  /** What a gate's folder says of its trees. */
  static final String GATE_FILE = "gate.json";

  private static final String CONFIG = "config.json";
  private static final ObjectMapper JSON = new ObjectMapper();

  private final String words;

  ModelKind(String words) {
    this.words = words;
  }

  /** For people. */
  String words() {
    return words;
  }

  /** For machines. */
  String code() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * Says what a folder holds.
   *
   * @throws CommandFailure if its config.json cannot be read
   */
  static ModelKind of(Path folder) {
    if (Files.isRegularFile(folder.resolve(GATE_FILE))) {
      return GATE;
    }
    if (BroughtManifest.isIn(folder)) {
      return BROUGHT;
    }
    if (Files.isRegularFile(folder.resolve(CompositeFolders.FILE))) {
      return COMPOSITE;
    }
    if (Files.isRegularFile(folder.resolve("model.onnx"))) {
      return ENCODER;
    }
    JsonNode config = config(folder);
    if (config.path("format").asText().equals("ballast-scoring-heads")) {
      return SCORING;
    }
    if (!config.has("model_type")) {
      return UNKNOWN;
    }
    return config.path("architectures").path(0).asText().endsWith("ForSequenceClassification")
        ? CLASSIFIER
        : DECODER;
  }

  private static JsonNode config(Path folder) {
    Path file = folder.resolve(CONFIG);
    try {
      return Files.isRegularFile(file)
          ? JSON.readTree(file.toFile())
          : JsonNodeFactory.instance.missingNode();
    } catch (IOException e) {
      throw new CommandFailure(Exit.FAILED, "INVALID_FOLDER", file + ": " + e.getMessage());
    }
  }

  /** What an encoder is, for people. */
  static String words(EncoderDescription encoder) {
    return (encoder.classifier() ? "classifier" : "encoder")
        + " in ONNX, "
        + encoder.width()
        + (encoder.classifier() ? " classes" : " numbers a text")
        + encoder.pooling().map(way -> " (" + way.code() + " of tokens)").orElse("")
        + ", at most "
        + encoder.maxTokens()
        + " tokens"
        + (encoder.oneByOne() ? ", one text at a time" : "");
  }

  /** What an encoder is, for machines. */
  static void describe(EncoderDescription encoder, ObjectNode document) {
    document.put("classifier", encoder.classifier());
    document.put("width", encoder.width());
    document.put("max_tokens", encoder.maxTokens());
    encoder.pooling().ifPresent(way -> document.put("pooling", way.code()));
    document.put("one_by_one", encoder.oneByOne());
  }
}
