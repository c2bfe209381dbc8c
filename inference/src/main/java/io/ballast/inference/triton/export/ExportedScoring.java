package io.ballast.inference.triton.export;

import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringModelFolder;
import java.util.Map;

/**
 * What a scoring model's config.pbtxt tells those who ask it, so that they need none of its files:
 * parameters {@code context_tokens}, {@code vocabulary_size} and, of each version, {@code
 * scoring_config_<version>}, the text of its config.json.
 */
public final class ExportedScoring {
  static final String CONTEXT_TOKENS = "context_tokens";
  static final String VOCABULARY_SIZE = "vocabulary_size";
  private static final String CONFIG = "scoring_config_";

  private ExportedScoring() {}

  /** The name of the parameter that holds a version's config.json. */
  static String configName(String version) {
    return CONFIG + version;
  }

  /**
   * Returns how a version is asked.
   *
   * @param parameters of its configuration
   * @throws IllegalArgumentException if it is none that we exported, naming what it lacks
   */
  public static PlainScoring read(Map<String, String> parameters, String version) {
    return new PlainScoring(
        ScoringModelFolder.parse(text(parameters, configName(version))),
        number(parameters, CONTEXT_TOKENS),
        number(parameters, VOCABULARY_SIZE));
  }

  private static String text(Map<String, String> parameters, String name) {
    String value = parameters.get(name);
    if (value == null) {
      throw new IllegalArgumentException(
          "parameter '" + name + "': none (expected: a model that ./mesh models export wrote)");
    }
    return value;
  }

  private static int number(Map<String, String> parameters, String name) {
    String value = text(parameters, name);
    try {
      int number = Integer.parseInt(value);
      if (number > 1) {
        return number;
      }
    } catch (NumberFormatException e) {
      // said below
    }
    throw new IllegalArgumentException(
        "parameter '" + name + "': " + value + " (expected: a whole number > 1)");
  }
}
