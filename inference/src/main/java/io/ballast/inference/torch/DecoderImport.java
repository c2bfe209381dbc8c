package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.SafetensorsFile;
import io.ballast.inference.store.SafetensorsFile.Content;
import io.ballast.inference.store.WeightFiles;
import io.ballast.inference.store.WeightType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleConsumer;

/**
 * Takes over somebody else's Hugging Face folder: everything in it is checked before it is served,
 * and what comes out is one file of weights with the tokenizer beside it.
 */
public final class DecoderImport {
  /** What is copied where it is there, besides config.json and the weights. */
  public static final List<String> COMPANIONS =
      List.of(
          DecoderFolder.TOKENIZER,
          "tokenizer_config.json",
          "generation_config.json",
          "special_tokens_map.json",
          "chat_template.jinja",
          "LICENSE",
          "NOTICE");

  private static final ObjectMapper JSON = new ObjectMapper();

  private DecoderImport() {}

  /**
   * Writes {@code source}'s decoder to {@code target}.
   *
   * @param target exists; files of these names in it are replaced
   * @param weights how numbers are written; empty: as they are
   * @param progress told the part that is done, 0 to 1
   * @return the model's shape
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be, the
   *     architecture is unknown, config, weights and tokenizer disagree, or a weight is not finite;
   *     CORRUPT_WEIGHTS if a checksum of ballast.json differs; all named
   */
  public static DecoderConfig write(
      Path source, Path target, Optional<WeightType> weights, DoubleConsumer progress)
      throws IOException {
    DecoderConfig config = DecoderFolder.verifiedConfig(source);
    requireTokenizer(source, config);
    JsonNode json = ConfigJson.tree(source.resolve(ConfigJson.FILE));
    String architecture =
        json.path("architectures").path(0).asText(config.family().causalArchitecture());
    if (!architecture.equals(config.family().causalArchitecture())) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          source
              + ": architectures: "
              + architecture
              + " (expected: "
              + config.family().causalArchitecture()
              + ")");
    }
    WeightFiles files = WeightFiles.open(source);
    DecoderFolder.requireNames(files, new ParameterLayout(config));
    Map<String, List<Long>> shapes = config.weightShapes();
    for (String name : COMPANIONS) {
      if (Files.isRegularFile(source.resolve(name))) {
        Files.copy(source.resolve(name), target.resolve(name), StandardCopyOption.REPLACE_EXISTING);
      }
    }
    writeWeights(files, shapes, target, weights, progress);
    ObjectNode written = json.deepCopy();
    weights.ifPresent(
        type -> {
          written.remove("dtype");
          written.put("torch_dtype", type.torchName());
        });
    ConfigJson.write(target, written);
    return config;
  }

  static void requireTokenizer(Path source, DecoderConfig config) {
    try (HuggingFaceTokenizerAdapter tokenizer = HuggingFaceTokenizerAdapter.ofFolder(source)) {
      VocabularyFit.require(source.resolve(DecoderFolder.TOKENIZER).toString(), tokenizer, config);
    }
  }

  private static void writeWeights(
      WeightFiles files,
      Map<String, List<Long>> shapes,
      Path target,
      Optional<WeightType> weights,
      DoubleConsumer progress)
      throws IOException {
    long all =
        shapes.values().stream()
            .mapToLong(shape -> shape.stream().reduce(1L, (a, b) -> a * b))
            .sum();
    long[] done = new long[1];
    List<Content> contents = new ArrayList<>();
    shapes.forEach(
        (name, shape) ->
            contents.add(
                new Content(
                    name,
                    weights.orElseGet(() -> files.type(name)),
                    shape,
                    piece ->
                        files.readFinite(
                            name,
                            shape,
                            (values, count, at) -> {
                              piece.take(values, count, at);
                              done[0] += count;
                              progress.accept((double) done[0] / all);
                            }))));
    SafetensorsFile.write(target.resolve(ModelManifest.WEIGHTS), contents, Map.of("format", "pt"));
  }
}
