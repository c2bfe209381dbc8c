package io.ballast.inference.triton.export;

import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.onnx.ScoringModelFolder;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.digest.Sha256;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What a scoring model's config.pbtxt tells those who ask it, so that they need none of its files:
 * parameters {@code context_tokens}, {@code vocabulary_size} and, of each version, {@code
 * scoring_config_<version>}, the text of its config.json; {@code source_<version>}, the {@code
 * name/version} of the folder that it was made from; {@code weights_sha256_<version>} of the heads
 * there; {@code tokenizer_sha256_<version>} of the trunk's tokenizer.json, if it has one.
 */
public final class ExportedScoring {
  static final String CONTEXT_TOKENS = "context_tokens";
  static final String VOCABULARY_SIZE = "vocabulary_size";
  private static final String CONFIG = "scoring_config_";
  private static final String SOURCE = "source_";
  private static final String WEIGHTS = "weights_sha256_";
  private static final String TOKENIZER = "tokenizer_sha256_";

  private ExportedScoring() {}

  /**
   * Where a version came from.
   *
   * @param folder what it is called where it was exported from, and the checksum of its heads
   * @param tokenizerSha256 of the tokenizer.json that belongs to it; empty if none was there
   */
  public record Origin(PinnedVersion folder, Optional<String> tokenizerSha256) {}

  /** Adds to {@code parameters} where a version came from. */
  static void tell(
      Map<String, String> parameters, String version, String source, Path heads, Path trunk)
      throws IOException {
    parameters.put(SOURCE + version, source);
    parameters.put(WEIGHTS + version, Sha256.of(heads.resolve(ModelManifest.WEIGHTS)));
    Path tokenizer = trunk.resolve("tokenizer.json");
    if (Files.isRegularFile(tokenizer)) {
      parameters.put(TOKENIZER + version, Sha256.of(tokenizer));
    }
  }

  /** The versions that {@code parameters} tell of, in the order of their numbers. */
  public static List<String> versions(Map<String, String> parameters) {
    return parameters.keySet().stream()
        .filter(name -> name.startsWith(CONFIG))
        .map(name -> name.substring(CONFIG.length()))
        .sorted(Comparator.comparingInt(String::length).thenComparing(Comparator.naturalOrder()))
        .toList();
  }

  /**
   * Returns where a version came from.
   *
   * @param parameters of its configuration
   * @throws IllegalArgumentException if they do not tell, naming what is lacking
   */
  public static Origin origin(Map<String, String> parameters, String version) {
    String source = text(parameters, SOURCE + version);
    int slash = source.indexOf('/');
    if (slash < 1 || slash == source.length() - 1) {
      throw new IllegalArgumentException(
          "parameter '%s%s': '%s' (expected: name/version)".formatted(SOURCE, version, source));
    }
    return new Origin(
        new PinnedVersion(
            source.substring(0, slash),
            source.substring(slash + 1),
            text(parameters, WEIGHTS + version)),
        Optional.ofNullable(parameters.get(TOKENIZER + version)));
  }

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
