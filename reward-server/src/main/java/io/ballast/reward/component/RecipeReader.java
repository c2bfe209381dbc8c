package io.ballast.reward.component;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.inference.text.CallerJson;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/** Reads a composite's file, {@code composite.json}. */
public final class RecipeReader {
  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9_-]{0,63}");
  private static final int MAX_PARTS = 32;
  private static final int MAX_CHARACTERS = 1 << 20;

  /** What the field "format" must say. */
  public static final String FORMAT = "ballast-composite";

  private RecipeReader() {}

  /**
   * Reads a file.
   *
   * @throws CompositeFlaw naming what is wrong by its JSON path
   */
  public static Recipe read(String json) {
    if (json.length() > MAX_CHARACTERS) {
      throw new CompositeFlaw(
          "$", "%,d characters (expected: at most %,d)".formatted(json.length(), MAX_CHARACTERS));
    }
    JsonNode root;
    try {
      root = CallerJson.read(json);
    } catch (IllegalArgumentException e) {
      throw new CompositeFlaw("$", String.valueOf(e.getMessage()));
    }
    return read(root);
  }

  private static Recipe read(JsonNode root) {
    Settings settings = new Settings(root, "$");
    String format = settings.text("format");
    if (!format.equals(FORMAT)) {
      throw new CompositeFlaw("$.format", "\"%s\" (expected: \"%s\")".formatted(format, FORMAT));
    }
    var unused = settings.textIfGiven("description");
    Map<String, Read> components = components(settings.node("components"));
    Map<String, Component> all = new HashMap<>();
    components.forEach((name, each) -> all.put(name, each.component()));
    all.forEach((name, each) -> each.check("$.components." + name, all));
    JsonNode tree = settings.node("reward");
    Expression reward =
        new ExpressionReader(components.keySet()).read(tree, settings.path("reward"));
    Map<String, Double> weights = new HashMap<>();
    reward.visit(1, (name, weight) -> weights.merge(name, weight, Double::sum));
    List<Part> parts = new ArrayList<>();
    components.forEach(
        (name, each) -> {
          Double weight = weights.get(name);
          if (weight == null) {
            throw new CompositeFlaw(
                "$.components." + name, "stands nowhere in $.reward (expected: at least once)");
          }
          parts.add(new Part(name, each.kind(), each.component(), each.json(), weight));
        });
    Optional<Double> scale = settings.numberIfGiven("preference_scale", 1e-9, 1e9);
    settings.done();
    return new Recipe(
        parts,
        reward,
        tree.toString(),
        scale.map(OptionalDouble::of).orElse(OptionalDouble.empty()));
  }

  private record Read(ComponentKind kind, Component component, String json) {}

  private static Map<String, Read> components(JsonNode node) {
    if (!node.isObject() || node.isEmpty() || node.size() > MAX_PARTS) {
      throw new CompositeFlaw(
          "$.components",
          "%s (expected: an object of 1 to %d components)"
              .formatted(Settings.shown(node), MAX_PARTS));
    }
    Map<String, Read> components = new LinkedHashMap<>();
    node.properties()
        .forEach(
            property -> {
              String name = property.getKey();
              String path = "$.components." + name;
              if (!NAME.matcher(name).matches()) {
                throw new CompositeFlaw(
                    path, "a name (expected: a small letter, then at most 63 of a-z, 0-9, _, -)");
              }
              components.put(name, component(property.getValue(), path));
            });
    return components;
  }

  private static Read component(JsonNode node, String path) {
    Settings settings = new Settings(node, path);
    if (!settings.has("kind")) {
      throw new CompositeFlaw(settings.path("kind"), "absent (expected: a component's kind)");
    }
    ComponentKind kind = settings.choice("kind", ComponentKind.LEARNED);
    Component component = kind.read(settings);
    settings.done();
    return new Read(kind, component, node.toString());
  }
}
