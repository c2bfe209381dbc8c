package io.ballast.safety.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.store.ModelManifest;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.gate.AcceptModel;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Gate models on disk: {@code <name>/<version>/} with {@code gate.json}, {@code trees.ubj} (or
 * {@code trees.json}) and {@code ballast.json}, the checksums.
 */
public final class GateModelFolder {
  /** What the model says of itself. */
  public static final String CONFIG = "gate.json";

  /** The trees in XGBoost's UBJSON. */
  public static final String TREES = "trees.ubj";

  private static final String TREES_AS_JSON = "trees.json";
  private static final String FORMAT = "ballast-display-gate";
  private static final int FORMAT_VERSION = 2;

  /** The format without second_look and guarantee: always a second look, nothing proven. */
  private static final int FIRST_FORMAT_VERSION = 1;

  private static final ObjectMapper JSON = new ObjectMapper();

  private GateModelFolder() {}

  /**
   * Writes a model: {@code gate.json}, the trees and the manifest.
   *
   * @param folder exists; within {@code ModelStore.publish} the one that it gives
   * @param trees XGBoost's UBJSON, {@code booster.toByteArray("ubj")}, of an objective whose margin
   *     is a log-odds of acceptance, such as {@code binary:logistic}
   * @param notes kept in the manifest
   * @throws ModelException INVALID_FOLDER if the trees take other features than {@code spec} names
   */
  public static void write(Path folder, GateSpec spec, byte[] trees, Map<String, String> notes)
      throws IOException {
    GradientBoostedTrees.load(trees, spec.features().size()).close();
    Files.write(folder.resolve(TREES), trees);
    Files.writeString(
        folder.resolve(CONFIG),
        JSON.writerWithDefaultPrettyPrinter().writeValueAsString(json(spec)) + "\n");
    var unused = ModelManifest.write(folder, notes);
  }

  /** Whether {@code folder} holds a gate model, whole or not. */
  public static boolean isGateModel(Path folder) {
    return Files.isRegularFile(folder.resolve(CONFIG));
  }

  /**
   * Reads what the folder says, without the trees.
   *
   * @throws ModelException INVALID_FOLDER if {@code gate.json} is missing or is not what it should
   *     be
   */
  public static GateSpec readSpec(Path folder) {
    Path file = folder.resolve(CONFIG);
    if (!Files.isRegularFile(file)) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": the file is missing");
    }
    try {
      return parse(JSON.readTree(file.toFile()));
    } catch (JsonProcessingException e) {
      throw new ModelException(
          Reason.INVALID_FOLDER, file + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException | IllegalArgumentException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    }
  }

  /**
   * Opens a model after comparing every file with its checksum.
   *
   * @param name the model's name
   * @param version its version
   * @throws ModelException CORRUPT_WEIGHTS if a checksum differs; INVALID_FOLDER if a file is
   *     missing, is not what it should be, or was trained on features that this build does not
   *     compute, naming the first
   */
  public static AcceptModel open(Path folder, String name, String version) {
    ModelManifest manifest =
        ModelManifest.read(folder)
            .orElseThrow(
                () ->
                    new ModelException(
                        Reason.INVALID_FOLDER,
                        folder.resolve(ModelManifest.FILE) + ": the file is missing"));
    manifest.verify(folder);
    GateSpec spec = readSpec(folder);
    requireKnownFeatures(folder.resolve(CONFIG), spec);
    String treesFile = Files.isRegularFile(folder.resolve(TREES)) ? TREES : TREES_AS_JSON;
    Path file = folder.resolve(treesFile);
    String sha = manifest.checksums().get(treesFile);
    if (sha == null) {
      throw new ModelException(
          Reason.INVALID_FOLDER,
          file + ": the file is missing, or has no checksum in the manifest");
    }
    try {
      return new Loaded(
          new PinnedVersion(name, version, sha),
          spec,
          GradientBoostedTrees.load(Files.readAllBytes(file), spec.features().size()));
    } catch (IOException e) {
      throw new ModelException(Reason.INVALID_FOLDER, file + ": " + e.getMessage(), e);
    } catch (ModelException e) {
      throw new ModelException(e.reason(), file + ": " + e.getMessage(), e);
    }
  }

  private static void requireKnownFeatures(Path file, GateSpec spec) {
    List<String> expected = spec.stage().featureNames();
    List<String> found = spec.features();
    for (int i = 0; i < Math.max(expected.size(), found.size()); i++) {
      String wanted = i < expected.size() ? expected.get(i) : "none";
      String given = i < found.size() ? found.get(i) : "none";
      if (!wanted.equals(given)) {
        throw new ModelException(
            Reason.INVALID_FOLDER,
            "%s: features[%d]: %s (expected: %s); train the gate again"
                .formatted(file, i, given, wanted));
      }
    }
  }

  private record Loaded(PinnedVersion id, GateSpec spec, GradientBoostedTrees trees)
      implements AcceptModel {
    @Override
    public double logOdds(float[] features) {
      return trees.logOdds(features);
    }

    @Override
    public void close() {
      trees.close();
    }
  }

  private static ObjectNode json(GateSpec spec) {
    ObjectNode json = JSON.createObjectNode();
    json.put("format", FORMAT);
    json.put("format_version", FORMAT_VERSION);
    json.put("stage", spec.stage().name().toLowerCase(Locale.ROOT));
    json.put("threshold", spec.threshold());
    json.put("refer_entropy_bits", spec.referEntropyBits());
    json.put("second_look", spec.secondLook());
    spec.guarantee()
        .ifPresent(
            guarantee ->
                json.putObject("guarantee")
                    .put("target_accuracy", guarantee.targetAccuracy())
                    .put("alpha", guarantee.alpha())
                    .put("hidden", guarantee.hidden())
                    .put("accepted", guarantee.accepted())
                    .put("p_value", guarantee.pValue()));
    json.put("exploration_share", spec.explorationShare());
    ObjectNode calibration = json.putObject("calibration");
    switch (spec.calibration()) {
      case GateCalibration.Platt platt -> {
        calibration.put("method", "platt");
        calibration.put("slope", platt.scaling().slope());
        calibration.put("intercept", platt.scaling().intercept());
      }
      case GateCalibration.Isotonic isotonic -> {
        calibration.put("method", "isotonic");
        ArrayNode scores = calibration.putArray("scores");
        isotonic.scores().forEach(scores::add);
        ArrayNode probabilities = calibration.putArray("probabilities");
        isotonic.probabilities().forEach(probabilities::add);
      }
    }
    ObjectNode heldOut = json.putObject("held_out");
    new TreeMap<>(spec.heldOut()).forEach(heldOut::put);
    ArrayNode features = json.putArray("features");
    spec.features().forEach(features::add);
    return json;
  }

  private static GateSpec parse(JsonNode json) {
    requireText(json, "format", FORMAT);
    int format = json.path("format_version").asInt();
    if (format < FIRST_FORMAT_VERSION || format > FORMAT_VERSION) {
      throw new IllegalArgumentException(
          "format_version: %s (expected: %d to %d)"
              .formatted(json.path("format_version"), FIRST_FORMAT_VERSION, FORMAT_VERSION));
    }
    List<String> features = new ArrayList<>();
    json.path("features").forEach(feature -> features.add(feature.asText()));
    Map<String, Double> heldOut = new LinkedHashMap<>();
    json.path("held_out")
        .properties()
        .forEach(figure -> heldOut.put(figure.getKey(), figure.getValue().asDouble(Double.NaN)));
    return new GateSpec(
        stage(json.path("stage").asText()),
        features,
        calibration(json.path("calibration")),
        number(json, "threshold"),
        number(json, "refer_entropy_bits"),
        format == FIRST_FORMAT_VERSION || flag(json, "second_look"),
        json.has("guarantee") ? Optional.of(guarantee(json.path("guarantee"))) : Optional.empty(),
        number(json, "exploration_share"),
        heldOut);
  }

  private static GateGuarantee guarantee(JsonNode json) {
    return new GateGuarantee(
        number(json, "target_accuracy"),
        number(json, "alpha"),
        json.path("hidden").asInt(),
        json.path("accepted").asInt(-1),
        number(json, "p_value"));
  }

  private static boolean flag(JsonNode json, String field) {
    if (!json.path(field).isBoolean()) {
      throw new IllegalArgumentException(
          field + ": " + json.path(field) + " (expected: true or false)");
    }
    return json.path(field).asBoolean();
  }

  private static GateStage stage(String label) {
    return Arrays.stream(GateStage.values())
        .filter(stage -> stage.name().toLowerCase(Locale.ROOT).equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "stage: '%s' (expected: context or suggestion)".formatted(label)));
  }

  private static GateCalibration calibration(JsonNode json) {
    String method = json.path("method").asText();
    return switch (method) {
      case "platt" ->
          new GateCalibration.Platt(
              new PlattScaling(number(json, "slope"), number(json, "intercept")));
      case "isotonic" ->
          new GateCalibration.Isotonic(numbers(json, "scores"), numbers(json, "probabilities"));
      default ->
          throw new IllegalArgumentException(
              "calibration.method: '%s' (expected: platt or isotonic)".formatted(method));
    };
  }

  private static List<Double> numbers(JsonNode json, String field) {
    List<Double> numbers = new ArrayList<>();
    for (JsonNode number : json.path(field)) {
      if (!number.isNumber()) {
        throw new IllegalArgumentException("%s: %s (expected: numbers)".formatted(field, number));
      }
      numbers.add(number.asDouble());
    }
    return numbers;
  }

  private static double number(JsonNode json, String field) {
    if (!json.path(field).isNumber()) {
      throw new IllegalArgumentException(
          "%s: %s (expected: a number)".formatted(field, json.path(field)));
    }
    return json.path(field).asDouble();
  }

  private static void requireText(JsonNode json, String field, String expected) {
    String found = json.path(field).asText();
    if (!found.equals(expected)) {
      throw new IllegalArgumentException(
          "%s: '%s' (expected: %s)".formatted(field, found, expected));
    }
  }
}
