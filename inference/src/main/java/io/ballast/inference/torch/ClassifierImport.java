package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.TokenIds;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.DoubleConsumer;

/**
 * Takes over somebody else's sequence classifier on a decoder: its files are copied as they are,
 * and it is loaded and asked once before anybody is served.
 */
public final class ClassifierImport {
  private ClassifierImport() {}

  /**
   * What came.
   *
   * @param config the trunk's shape
   * @param labels how many scores a text has
   */
  public record Description(DecoderConfig config, int labels) {}

  /** Whether a folder's config.json says that it is a sequence classifier. */
  public static boolean isClassifier(Path folder) {
    Path config = folder.resolve(ConfigJson.FILE);
    return Files.isRegularFile(config)
        && ConfigJson.tree(config)
            .path("architectures")
            .path(0)
            .asText()
            .endsWith("ForSequenceClassification");
  }

  /**
   * Copies a classifier's files and loads what came.
   *
   * @param target exists; files of these names in it are replaced
   * @param progress told the part that is done, 0 to 1
   * @throws ModelException INVALID_FOLDER if a file is missing or is not what it should be,
   *     CORRUPT_WEIGHTS if a checksum of ballast.json differs, BROKEN if it says nothing finite of
   *     a first token; all named
   */
  public static Description write(Path source, Path target, DoubleConsumer progress)
      throws IOException {
    DecoderConfig config = DecoderFolder.verifiedConfig(source);
    DecoderImport.requireTokenizer(source, config);
    List<String> names = new ArrayList<>(List.of(ConfigJson.FILE));
    DecoderImport.COMPANIONS.stream()
        .filter(name -> Files.isRegularFile(source.resolve(name)))
        .forEach(names::add);
    names.addAll(weights(source));
    for (int i = 0; i < names.size(); i++) {
      Files.copy(
          source.resolve(names.get(i)),
          target.resolve(names.get(i)),
          StandardCopyOption.REPLACE_EXISTING);
      progress.accept((i + 1.0) / names.size());
    }
    try (SequenceClassifier classifier = SequenceClassifier.load(target, Arithmetic.FLOAT32)) {
      var unused = classifier.scores(List.of(TokenIds.of(config.endOfTextId())));
      return new Description(config, classifier.labels());
    }
  }

  /** One file, or the index and the shards that it names. */
  private static Set<String> weights(Path source) {
    if (Files.isRegularFile(source.resolve(ModelManifest.WEIGHTS))) {
      return Set.of(ModelManifest.WEIGHTS);
    }
    Path index = source.resolve(WeightFiles.INDEX);
    Set<String> names = new TreeSet<>(Set.of(WeightFiles.INDEX));
    for (JsonNode shard : ConfigJson.tree(index).path("weight_map")) {
      if (!shard.asText().matches("[\\w.-]+\\.safetensors")) {
        throw new ModelException(
            Reason.INVALID_FOLDER, index + ": " + shard + " (expected: a .safetensors beside it)");
      }
      names.add(shard.asText());
    }
    return names;
  }
}
