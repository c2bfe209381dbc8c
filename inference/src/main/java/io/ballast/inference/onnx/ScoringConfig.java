package io.ballast.inference.onnx;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.function.Function;

/** What a scoring folder's config.json says, as JSON. */
final class ScoringConfig {
  private static final String FORMAT = "ballast-scoring-heads";
  private static final String TOKENIZER = "tokenizer_sha256";
  private static final String TEMPLATE = "chat_template_sha256";

  private ScoringConfig() {}

  /** Returns what a folder says of itself. */
  static ObjectNode json(ScoringSpec spec) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT);
    json.put("kind", spec.kind().name());
    json.put("heads", spec.heads());
    ArrayNode features = json.putArray("features");
    spec.features().forEach(feature -> features.add(feature.code()));
    json.put("hidden_width", spec.hiddenWidth());
    json.put("activation", spec.activation().code());
    ObjectNode trunk =
        json.putObject("trunk")
            .put("model", spec.trunk().model())
            .put("version", spec.trunk().version())
            .put("weights_sha256", spec.trunk().weightsSha256());
    spec.trunk()
        .text()
        .ifPresent(
            text -> {
              trunk.put(TOKENIZER, text.tokenizerSha256());
              text.templateSha256().ifPresent(sum -> trunk.put(TEMPLATE, sum));
            });
    spec.promptTokens().ifPresent(tokens -> json.put("prompt_tokens", tokens));
    if (spec.ownBlocks() > 0) {
      json.put("own_blocks", spec.ownBlocks());
    }
    put(
        json,
        spec.normalizations(),
        spec.inverseTemperatures(),
        spec.calibration(),
        spec.heldOutMembers(),
        spec.heldOut());
    spec.cost().ifPresent(cost -> put(json.putObject("cost"), cost));
    if (!spec.objectives().isEmpty()) {
      ArrayNode objectives = json.putArray("objectives");
      for (ScoringObjective objective : spec.objectives()) {
        put(
            objectives.addObject().put("name", objective.name()).put("weight", objective.weight()),
            objective.normalizations(),
            objective.inverseTemperatures(),
            objective.calibration(),
            objective.heldOutMembers(),
            objective.heldOut());
      }
    }
    return json;
  }

  private static void put(ObjectNode json, CostScale cost) {
    json.put("boundary", cost.boundary().code());
    ArrayNode bins = json.putArray("reliability");
    for (ReliabilityBin bin : cost.reliability()) {
      bins.addObject()
          .put("predicted", bin.predicted())
          .put("observed", bin.observed())
          .put("low", bin.low())
          .put("high", bin.high())
          .put("completions", bin.completions());
    }
  }

  private static void put(
      ObjectNode json,
      List<Normalization> normalizations,
      List<Double> inverseTemperatures,
      Optional<Calibration> calibration,
      List<Map<String, Double>> heldOutMembers,
      Map<String, Double> heldOut) {
    ArrayNode normalization = json.putArray("normalization");
    normalizations.forEach(
        n -> normalization.addObject().put("mean", n.mean()).put("std", n.std()));
    if (!inverseTemperatures.isEmpty()) {
      ArrayNode inverse = json.putArray("inverse_temperatures");
      inverseTemperatures.forEach(inverse::add);
    }
    calibration.ifPresent(
        told -> json.putObject("calibration").put("a", told.a()).put("b", told.b()));
    ObjectNode figures = json.putObject("held_out");
    ArrayNode members = figures.putArray("members");
    heldOutMembers.forEach(each -> new TreeMap<>(each).forEach(members.addObject()::put));
    new TreeMap<>(heldOut).forEach(figures.putObject("ensemble")::put);
  }

  /**
   * Reads what a folder says of itself.
   *
   * @throws IllegalArgumentException if a field is missing or is not what it should be, named
   */
  static ScoringSpec parse(JsonNode json) {
    String format = json.path("format").asText("absent");
    if (!format.equals(FORMAT)) {
      throw new IllegalArgumentException("format: " + format + " (expected: " + FORMAT + ")");
    }
    List<ScoringFeature> features = new ArrayList<>();
    JsonNode names = json.path("features");
    for (int i = 0; i < names.size(); i++) {
      features.add(
          choice(
              ScoringFeature.values(), ScoringFeature::code, names.path(i), "features[" + i + "]"));
    }
    List<Normalization> normalizations = normalizations(json);
    int heads = json.path("heads").asInt(-1);
    if (heads != normalizations.size()) {
      throw new IllegalArgumentException(
          "heads: " + heads + " (expected: one a normalization, " + normalizations.size() + ")");
    }
    JsonNode trunk = json.path("trunk");
    return new ScoringSpec(
        choice(ScoringKind.values(), ScoringKind::name, json.path("kind"), "kind"),
        features,
        json.path("hidden_width").asInt(-1),
        choice(
            HeadActivation.values(), HeadActivation::code, json.path("activation"), "activation"),
        new TrunkReference(
            text(trunk, "model"),
            text(trunk, "version"),
            text(trunk, "weights_sha256"),
            trunkText(trunk)),
        promptTokens(json.path("prompt_tokens")),
        count(json.path("own_blocks"), "own_blocks"),
        normalizations,
        numbers(json.path("inverse_temperatures"), "inverse_temperatures"),
        calibration(json),
        members(json),
        figures(json.path("held_out").path("ensemble")),
        objectives(json.path("objectives")),
        cost(json.path("cost")));
  }

  private static Optional<CostScale> cost(JsonNode json) {
    if (json.isMissingNode()) {
      return Optional.empty();
    }
    List<ReliabilityBin> bins = new ArrayList<>();
    JsonNode array = json.path("reliability");
    for (int b = 0; b < array.size(); b++) {
      JsonNode bin = array.path(b);
      try {
        bins.add(
            new ReliabilityBin(
                number(bin, "predicted"),
                number(bin, "observed"),
                number(bin, "low"),
                number(bin, "high"),
                count(bin.path("completions"), "completions")));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("cost.reliability[" + b + "]." + e.getMessage(), e);
      }
    }
    return Optional.of(
        new CostScale(
            choice(
                CostBoundary.values(), CostBoundary::code, json.path("boundary"), "cost.boundary"),
            bins));
  }

  private static List<ScoringObjective> objectives(JsonNode array) {
    if (!array.isMissingNode() && !array.isArray()) {
      throw new IllegalArgumentException("objectives: " + array + " (expected: an array)");
    }
    List<ScoringObjective> objectives = new ArrayList<>();
    for (int o = 0; o < array.size(); o++) {
      JsonNode json = array.path(o);
      try {
        objectives.add(
            new ScoringObjective(
                text(json, "name"),
                number(json, "weight"),
                normalizations(json),
                numbers(json.path("inverse_temperatures"), "inverse_temperatures"),
                calibration(json),
                members(json),
                figures(json.path("held_out").path("ensemble"))));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("objectives[" + o + "]." + e.getMessage(), e);
      }
    }
    return objectives;
  }

  private static List<Normalization> normalizations(JsonNode json) {
    JsonNode array = json.path("normalization");
    List<Normalization> normalizations = new ArrayList<>();
    for (int k = 0; k < array.size(); k++) {
      try {
        normalizations.add(
            new Normalization(number(array.path(k), "mean"), number(array.path(k), "std")));
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException("normalization[" + k + "]." + e.getMessage(), e);
      }
    }
    return normalizations;
  }

  private static Optional<Calibration> calibration(JsonNode json) {
    JsonNode calibration = json.path("calibration");
    if (calibration.isMissingNode()) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Calibration(number(calibration, "a"), number(calibration, "b")));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("calibration." + e.getMessage(), e);
    }
  }

  private static List<Map<String, Double>> members(JsonNode json) {
    List<Map<String, Double>> members = new ArrayList<>();
    json.path("held_out").path("members").forEach(figures -> members.add(figures(figures)));
    return members;
  }

  /** How the trunk read texts; without a tokenizer's checksum it is not said. */
  private static Optional<TrunkText> trunkText(JsonNode trunk) {
    return trunk.has(TOKENIZER)
        ? Optional.of(
            new TrunkText(
                text(trunk, TOKENIZER),
                trunk.has(TEMPLATE) ? Optional.of(text(trunk, TEMPLATE)) : Optional.empty()))
        : Optional.empty();
  }

  private static <E extends Enum<E>> E choice(
      E[] values, Function<E, String> code, JsonNode node, String field) {
    for (E value : values) {
      if (code.apply(value).equals(node.asText())) {
        return value;
      }
    }
    throw new IllegalArgumentException(
        field
            + ": "
            + node
            + " (expected: one of "
            + Arrays.stream(values).map(code).toList()
            + ")");
  }

  private static Map<String, Double> figures(JsonNode object) {
    Map<String, Double> figures = new LinkedHashMap<>();
    object.properties().forEach(p -> figures.put(p.getKey(), p.getValue().asDouble()));
    return figures;
  }

  private static List<Double> numbers(JsonNode array, String field) {
    List<Double> numbers = new ArrayList<>();
    for (int i = 0; i < array.size(); i++) {
      if (!array.path(i).isNumber()) {
        throw new IllegalArgumentException(
            field + "[" + i + "]: " + array.path(i) + " (expected: a number)");
      }
      numbers.add(array.path(i).asDouble());
    }
    return numbers;
  }

  private static OptionalInt promptTokens(JsonNode node) {
    if (node.isMissingNode()) {
      return OptionalInt.empty();
    }
    if (!node.isInt()) {
      throw new IllegalArgumentException(
          "prompt_tokens: " + node + " (expected: a whole number; 0 means all)");
    }
    return OptionalInt.of(node.asInt());
  }

  private static int count(JsonNode node, String field) {
    if (node.isMissingNode()) {
      return 0;
    }
    if (!node.isInt()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a whole number)");
    }
    return node.asInt();
  }

  private static double number(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isNumber()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a number)");
    }
    return node.asDouble();
  }

  private static String text(JsonNode object, String field) {
    JsonNode node = object.path(field);
    if (!node.isTextual()) {
      throw new IllegalArgumentException(field + ": " + node + " (expected: a text)");
    }
    return node.asText();
  }
}
