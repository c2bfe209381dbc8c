package io.ballast.inference.triton;

import io.ballast.inference.onnx.PlainScoring;
import io.ballast.inference.triton.export.ExportedScoring;
import io.ballast.inference.triton.export.ExportedScoring.Origin;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kserve.v2.ModelConfig;
import io.ballast.kserve.v2.ModelParameter;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A version of a scoring model on a Triton, as its configuration tells of it.
 *
 * @param at what it is called there
 * @param folder what it was called where it was exported from, and the checksum of its heads
 * @param tokenizerSha256 of the tokenizer.json that belongs to it; empty if the export had none
 * @param scoring what its scores mean and what it takes
 * @param maxRows of one request, ≥ 1
 */
public record ServedScoring(
    ServedModel at,
    PinnedVersion folder,
    Optional<String> tokenizerSha256,
    PlainScoring scoring,
    int maxRows) {

  /**
   * Returns the versions that a configuration tells of.
   *
   * @throws IllegalArgumentException if it is none that we exported, naming what it lacks
   */
  static List<ServedScoring> all(String name, ModelConfig config) {
    Map<String, String> parameters = parameters(config);
    List<String> numbers = ExportedScoring.versions(parameters);
    if (numbers.isEmpty() || config.getMaxBatchSize() < 1) {
      throw new IllegalArgumentException(
          "no parameter 'scoring_config_<version>' (expected: a model that ./mesh models export"
              + " wrote)");
    }
    List<ServedScoring> versions = new ArrayList<>();
    for (String number : numbers) {
      Origin origin = ExportedScoring.origin(parameters, number);
      versions.add(
          new ServedScoring(
              new ServedModel(name, number),
              origin.folder(),
              origin.tokenizerSha256(),
              ExportedScoring.read(parameters, number),
              config.getMaxBatchSize()));
    }
    return List.copyOf(versions);
  }

  /** The parameters of a configuration, by name. */
  static Map<String, String> parameters(ModelConfig config) {
    Map<String, String> parameters = new HashMap<>();
    for (Map.Entry<String, ModelParameter> entry : config.getParametersMap().entrySet()) {
      parameters.put(entry.getKey(), entry.getValue().getStringValue());
    }
    return parameters;
  }
}
