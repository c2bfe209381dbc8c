package io.ballast.safety.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.rl.preference.IsotonicRegression;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.rl.sample.Numbers;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateCalibration;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;

/** A gate model's {@code gate.json}. */
final class GateSpecJson {
  private static final String FORMAT = "ballast-display-gate";
  private static final int FORMAT_VERSION = 2;

  /** The format without second_look and guarantee: always a second look, nothing proven. */
  private static final int FIRST_FORMAT_VERSION = 1;

  private static final Pattern SHA_256 = Pattern.compile("[0-9a-f]{64}");
  private static final ObjectMapper JSON = new ObjectMapper();

  private GateSpecJson() {}

  static ObjectNode write(GateSpec spec) {
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
                    .put("unit", guarantee.unit().name().toLowerCase(Locale.ROOT))
                    .put("units", guarantee.units())
                    .put("hidden", guarantee.hidden())
                    .put("accepted", guarantee.accepted())
                    .put("p_value", guarantee.pValue()));
    spec.pairSha256().ifPresent(pair -> json.put("pair_sha256", pair));
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
        put(calibration.putArray("scores"), isotonic.line().scores());
        put(calibration.putArray("probabilities"), isotonic.line().values());
      }
    }
    ObjectNode heldOut = json.putObject("held_out");
    new TreeMap<>(spec.heldOut()).forEach(heldOut::put);
    json.put("feature_version", spec.featureSet().version());
    ArrayNode features = json.putArray("features");
    spec.features().forEach(features::add);
    if (!spec.sometimesMissing().isEmpty()) {
      ArrayNode missing = json.putArray("sometimes_missing");
      spec.features().stream().filter(spec.sometimesMissing()::contains).forEach(missing::add);
    }
    return json;
  }

  static GateSpec read(JsonNode json) {
    requireText(json, "format", FORMAT);
    int format = json.path("format_version").asInt();
    if (format < FIRST_FORMAT_VERSION || format > FORMAT_VERSION) {
      throw new IllegalArgumentException(
          "format_version: %s (expected: %d to %d)"
              .formatted(json.path("format_version"), FIRST_FORMAT_VERSION, FORMAT_VERSION));
    }
    List<String> features = new ArrayList<>();
    json.path("features").forEach(feature -> features.add(feature.asText()));
    Set<String> missing = new LinkedHashSet<>();
    json.path("sometimes_missing").forEach(feature -> missing.add(feature.asText()));
    Map<String, Double> heldOut = new LinkedHashMap<>();
    json.path("held_out")
        .properties()
        .forEach(figure -> heldOut.put(figure.getKey(), figure.getValue().asDouble(Double.NaN)));
    return new GateSpec(
        stage(json.path("stage").asText()),
        featureSet(json.path("feature_version")),
        features,
        missing,
        calibration(json.path("calibration")),
        number(json, "threshold"),
        number(json, "refer_entropy_bits"),
        format == FIRST_FORMAT_VERSION || flag(json, "second_look"),
        json.has("guarantee") ? Optional.of(guarantee(json.path("guarantee"))) : Optional.empty(),
        json.has("pair_sha256") ? Optional.of(sha256(json, "pair_sha256")) : Optional.empty(),
        number(json, "exploration_share"),
        heldOut);
  }

  /** Folders of before there was a second set do not say. */
  private static FeatureSet featureSet(JsonNode version) {
    if (version.isMissingNode()) {
      return FeatureSet.TEXT;
    }
    return FeatureSet.of(version.asInt())
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "feature_version: %s (expected: 1 to %d); train the gate again"
                        .formatted(version, FeatureSet.values().length)));
  }

  private static String sha256(JsonNode json, String field) {
    String text = json.path(field).asText();
    if (!SHA_256.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "%s: '%s' (expected: 64 lower-case hexadecimal digits)".formatted(field, text));
    }
    return text;
  }

  /** Folders that do not say what is independent took decisions for it. */
  private static GateGuarantee guarantee(JsonNode json) {
    int hidden = json.path("hidden").asInt();
    return new GateGuarantee(
        number(json, "target_accuracy"),
        number(json, "alpha"),
        json.has("unit") ? unit(json.path("unit").asText()) : GateGuarantee.Unit.DECISION,
        json.has("units") ? json.path("units").asInt() : hidden,
        hidden,
        json.path("accepted").asInt(-1),
        number(json, "p_value"));
  }

  private static GateGuarantee.Unit unit(String label) {
    return Arrays.stream(GateGuarantee.Unit.values())
        .filter(unit -> unit.name().toLowerCase(Locale.ROOT).equals(label))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "guarantee.unit: '%s' (expected: group or decision)".formatted(label)));
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
          new GateCalibration.Isotonic(
              new IsotonicRegression(numbers(json, "scores"), numbers(json, "probabilities")));
      default ->
          throw new IllegalArgumentException(
              "calibration.method: '%s' (expected: platt or isotonic)".formatted(method));
    };
  }

  private static void put(ArrayNode array, Numbers numbers) {
    for (int i = 0; i < numbers.size(); i++) {
      array.add(numbers.get(i));
    }
  }

  private static Numbers numbers(JsonNode json, String field) {
    JsonNode array = json.path(field);
    double[] numbers = new double[array.size()];
    for (int i = 0; i < numbers.length; i++) {
      if (!array.get(i).isNumber()) {
        throw new IllegalArgumentException(
            "%s: %s (expected: numbers)".formatted(field, array.get(i)));
      }
      numbers[i] = array.get(i).asDouble();
    }
    return Numbers.of(numbers);
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
