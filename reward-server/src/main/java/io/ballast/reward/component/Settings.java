package io.ballast.reward.component;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * One object of a composite's file, read strictly: a field has the type and range that its reader
 * expects, and one that nobody reads is a flaw. Not thread-safe.
 */
public final class Settings {
  private final JsonNode object;
  private final String path;
  private final Set<String> read = new TreeSet<>();

  /**
   * @param path where it stands, such as {@code $.components.answer}
   * @throws CompositeFlaw if {@code node} is no object
   */
  public Settings(JsonNode node, String path) {
    if (!node.isObject()) {
      throw new CompositeFlaw(path, shown(node) + " (expected: an object)");
    }
    this.object = node;
    this.path = path;
  }

  /** Where a field stands. */
  public String path(String field) {
    return path + "." + field;
  }

  /** Whether the field is there; it must be read all the same. */
  public boolean has(String field) {
    return object.has(field);
  }

  /** The field as it is, missing or not. */
  public JsonNode node(String field) {
    read.add(field);
    return object.path(field);
  }

  /** A text that must be there, and not be empty. */
  public String text(String field) {
    return textIfGiven(field)
        .orElseThrow(() -> new CompositeFlaw(path(field), "absent (expected: a text)"));
  }

  /** A text that is not empty, if it is there. */
  public Optional<String> textIfGiven(String field) {
    JsonNode node = node(field);
    if (node.isMissingNode()) {
      return Optional.empty();
    }
    if (!node.isTextual() || node.textValue().isEmpty()) {
      throw new CompositeFlaw(path(field), shown(node) + " (expected: a text, not empty)");
    }
    return Optional.of(node.textValue());
  }

  /** A number that must be there, from {@code low} to {@code high}. */
  public double number(String field, double low, double high) {
    return numberIfGiven(field, low, high)
        .orElseThrow(() -> new CompositeFlaw(path(field), "absent (expected: a number)"));
  }

  /** A number from {@code low} to {@code high}, if it is there. */
  public Optional<Double> numberIfGiven(String field, double low, double high) {
    JsonNode node = node(field);
    return node.isMissingNode()
        ? Optional.empty()
        : Optional.of(number(node, path(field), low, high));
  }

  /** {@code node} as a number from {@code low} to {@code high}. */
  static double number(JsonNode node, String path, double low, double high) {
    double value = node.isNumber() ? node.doubleValue() : Double.NaN;
    if (!(value >= low && value <= high)) {
      throw new CompositeFlaw(
          path, "%s (expected: a number from %s to %s)".formatted(shown(node), low, high));
    }
    return value;
  }

  /** A whole number that must be there, from {@code low} to {@code high}. */
  public int integer(String field, int low, int high) {
    JsonNode node = node(field);
    if (!node.isIntegralNumber()
        || !node.canConvertToInt()
        || node.intValue() < low
        || node.intValue() > high) {
      throw new CompositeFlaw(
          path(field),
          "%s (expected: a whole number from %,d to %,d)".formatted(shown(node), low, high));
    }
    return node.intValue();
  }

  /** As {@link #integer(String, int, int)}, with a default. */
  public int integer(String field, int fallback, int low, int high) {
    return node(field).isMissingNode() ? fallback : integer(field, low, high);
  }

  /** True or false; {@code false} if it is not there. */
  public boolean flag(String field) {
    JsonNode node = node(field);
    if (!node.isMissingNode() && !node.isBoolean()) {
      throw new CompositeFlaw(path(field), shown(node) + " (expected: true or false)");
    }
    return node.asBoolean(false);
  }

  /** One of an enum's constants, written in small letters; {@code fallback} if it is not there. */
  public <E extends Enum<E>> E choice(String field, E fallback) {
    E[] choices = fallback.getDeclaringClass().getEnumConstants();
    JsonNode node = node(field);
    if (node.isMissingNode()) {
      return fallback;
    }
    return Arrays.stream(choices)
        .filter(each -> word(each).equals(node.textValue()))
        .findFirst()
        .orElseThrow(
            () ->
                new CompositeFlaw(
                    path(field),
                    "%s (expected: %s)"
                        .formatted(
                            shown(node),
                            Arrays.stream(choices)
                                .map(each -> '"' + word(each) + '"')
                                .collect(Collectors.joining(", ")))));
  }

  private static String word(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT);
  }

  /**
   * Says that all has been read that may stand here, beside what does stand here.
   *
   * @throws CompositeFlaw naming a field that nobody read, and those that were
   */
  public void done() {
    object
        .fieldNames()
        .forEachRemaining(
            field -> {
              if (!read.contains(field)) {
                throw new CompositeFlaw(
                    path(field),
                    "unknown (expected: one of %s)".formatted(String.join(", ", read)));
              }
            });
  }

  /** {@code node} as a message may show it. */
  static String shown(JsonNode node) {
    String text = node.isMissingNode() ? "absent" : node.toString();
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }
}
