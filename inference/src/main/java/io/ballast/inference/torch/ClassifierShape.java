package io.ballast.inference.torch;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.inference.store.WeightFiles;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What a sequence classifier's folder says of itself: a decoder of any {@link DecoderFamily} with
 * {@code score.weight}, a row for each label, in place of a language head.
 *
 * @param config the trunk's shape
 * @param labels how many scores a text has, ≥ 1
 * @param padTokenId what fills texts up; −1: nothing
 */
record ClassifierShape(DecoderConfig config, int labels, int padTokenId) {
  static final String SCORE = "score.weight";

  private static final int NONE = -1;

  /**
   * The same after comparing the checksums of all files.
   *
   * @throws ModelException CORRUPT_WEIGHTS if one differs; as {@link #read}
   */
  static ClassifierShape verified(Path folder) {
    ModelManifest.read(folder).ifPresent(manifest -> manifest.verify(folder));
    return read(folder);
  }

  /**
   * Reads a folder whose architecture is one of the families' {@code ForSequenceClassification}.
   *
   * @throws ModelException INVALID_FOLDER if it is another, or a file is missing or is not what it
   *     should be
   */
  static ClassifierShape read(Path folder) {
    DecoderConfig config = DecoderConfig.read(folder).withTiedHead();
    JsonNode json = ConfigJson.tree(folder.resolve(ConfigJson.FILE));
    String architecture = json.path("architectures").path(0).asText("absent");
    if (!architecture.equals(config.family().classifierArchitecture())) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          folder
              + ": architectures: "
              + architecture
              + " (expected: "
              + config.family().classifierArchitecture()
              + ")");
    }
    int named = json.path("id2label").size();
    int labels = json.path("num_labels").asInt(named == 0 ? 2 : named);
    if (labels < 1) {
      throw new ModelException(
          Reason.INVALID_FOLDER, folder + ": num_labels: " + labels + " (expected: ≥ 1)");
    }
    return new ClassifierShape(config, labels, json.path("pad_token_id").asInt(NONE));
  }

  /**
   * Reads the rows of all labels, one after the other, shape [K·D].
   *
   * @throws ModelException INVALID_FOLDER if tensors are missing, or there besides; CORRUPT_WEIGHTS
   *     if a number is not finite
   */
  float[] scores(WeightFiles files, ParameterLayout layout) {
    Set<String> expected = new HashSet<>();
    layout.parameters().forEach(parameter -> expected.add(parameter.name()));
    expected.add(SCORE);
    files.requireNames(expected, DecoderFolder.IGNORED);
    float[] score = new float[labels * config.hiddenSize()];
    files.readFinite(
        SCORE,
        List.of((long) labels, (long) config.hiddenSize()),
        (values, count, at) -> System.arraycopy(values, 0, score, (int) at, count));
    return score;
  }
}
