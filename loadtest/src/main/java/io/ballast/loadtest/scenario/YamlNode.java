package io.ballast.loadtest.scenario;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.ballast.loadtest.openloop.Durations;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One object of a file. Reads each key by its type and range, and names what is wrong by path. */
final class YamlNode {
  private static final int SHOWN_CHARACTERS = 40;

  private final String path;
  private final JsonNode node;

  private YamlNode(String path, JsonNode node) {
    this.path = path;
    this.node = node;
  }

  /** The whole file, in which only {@code known} keys may stand. */
  static YamlNode root(JsonNode node, String... known) {
    if (!node.isObject()) {
      throw new IllegalArgumentException(
          "scenario: %s (expected: an object with keys)".formatted(kind(node)));
    }
    return new YamlNode("", node).allowing(known);
  }

  /** The object below {@code key}, empty if absent. */
  YamlNode child(String key, String... known) {
    JsonNode value = node.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return new YamlNode(pathOf(key), JsonNodeFactory.instance.objectNode());
    }
    if (!value.isObject()) {
      throw flaw(key, kind(value), "an object with keys");
    }
    return new YamlNode(pathOf(key), value).allowing(known);
  }

  /** The objects of the list below {@code key}, none if absent. */
  List<YamlNode> children(String key, int most, String... known) {
    JsonNode value = node.path(key);
    if (value.isMissingNode() || value.isNull()) {
      return List.of();
    }
    if (!value.isArray() || value.size() > most) {
      throw flaw(
          key,
          value.isArray() ? value.size() + " objects" : kind(value),
          "a list of at most " + most + " objects");
    }
    List<YamlNode> children = new ArrayList<>();
    for (int i = 0; i < value.size(); i++) {
      YamlNode child = new YamlNode("%s[%d]".formatted(pathOf(key), i), value.get(i));
      if (!value.get(i).isObject()) {
        throw new IllegalArgumentException(
            "%s: %s (expected: an object with keys)".formatted(child.path, kind(value.get(i))));
      }
      children.add(child.allowing(known));
    }
    return children;
  }

  private YamlNode allowing(String... known) {
    for (Iterator<String> names = node.fieldNames(); names.hasNext(); ) {
      String name = names.next();
      if (!Arrays.asList(known).contains(name)) {
        throw new IllegalArgumentException(
            "%s: unknown key (known: %s)".formatted(pathOf(shown(name)), String.join(", ", known)));
      }
    }
    return this;
  }

  boolean has(String key) {
    return node.hasNonNull(key);
  }

  String pathOf(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  String text(String key, String otherwise) {
    JsonNode value = node.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isValueNode()) {
      throw flaw(key, kind(value), "text");
    }
    return value.asText();
  }

  /** Text of 1 to 64 letters, digits, dots, underscores and hyphens. */
  String name(String key, String otherwise) {
    String name = text(key, otherwise);
    if (!name.matches("[A-Za-z0-9._-]{1,64}")) {
      throw flaw(key, shown(name), "1 to 64 characters of A-Z a-z 0-9 . _ -");
    }
    return name;
  }

  String requiredText(String key, String what) {
    String text = text(key, "");
    if (text.isBlank()) {
      throw flaw(key, has(key) ? "empty" : "absent", what);
    }
    return text;
  }

  long integer(String key, long otherwise, long least, long most) {
    double value = number(key, otherwise, least, most, "%,d to %,d".formatted(least, most));
    if (value != Math.rint(value)) {
      throw flaw(key, shown(text(key, "")), "a whole number");
    }
    return has(key) && node.path(key).isIntegralNumber() ? node.path(key).asLong() : (long) value;
  }

  double number(String key, double otherwise, double least, double most, String allowed) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.path(key);
    if (!value.isNumber() || !(value.asDouble() >= least && value.asDouble() <= most)) {
      throw flaw(key, kind(value), allowed);
    }
    return value.asDouble();
  }

  double requiredNumber(String key, double least, double most, String allowed) {
    if (!has(key)) {
      throw flaw(key, "absent", allowed);
    }
    return number(key, 0, least, most, allowed);
  }

  Duration duration(String key, Duration otherwise, Duration least, Duration most) {
    if (!has(key)) {
      return otherwise;
    }
    String text = text(key, "");
    Duration duration;
    try {
      duration = Durations.parse(text);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(pathOf(key) + ": " + e.getMessage(), e);
    }
    if (duration.compareTo(least) < 0 || duration.compareTo(most) > 0) {
      throw flaw(key, text, Durations.format(least) + " to " + Durations.format(most));
    }
    return duration;
  }

  Duration requiredDuration(String key, Duration least, Duration most) {
    if (!has(key)) {
      throw flaw(key, "absent", Durations.format(least) + " to " + Durations.format(most));
    }
    return duration(key, least, least, most);
  }

  boolean flag(String key, boolean otherwise) {
    JsonNode value = node.path(key);
    if (!has(key)) {
      return otherwise;
    }
    if (!value.isBoolean()) {
      throw flaw(key, kind(value), "true or false");
    }
    return value.asBoolean();
  }

  /** One of an enum's constants, in any case. */
  <E extends Enum<E>> E choice(String key, E otherwise) {
    return has(key) ? requiredChoice(key, otherwise.getDeclaringClass()) : otherwise;
  }

  <E extends Enum<E>> E requiredChoice(String key, Class<E> type) {
    String allowed =
        "one of "
            + Arrays.stream(type.getEnumConstants())
                .map(Enum::name)
                .collect(Collectors.joining(", "));
    if (!has(key)) {
      throw flaw(key, "absent", allowed);
    }
    String text = text(key, "");
    return Arrays.stream(type.getEnumConstants())
        .filter(each -> each.name().equals(text.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() -> flaw(key, shown(text), allowed));
  }

  /** A value that is wrong, with what is allowed. */
  IllegalArgumentException flaw(String key, String value, String allowed) {
    return new IllegalArgumentException(
        "%s: %s (allowed: %s)".formatted(pathOf(key), value, allowed));
  }

  private static String kind(JsonNode value) {
    return switch (value.getNodeType()) {
      case OBJECT -> "an object";
      case ARRAY -> "a list";
      case NULL, MISSING -> "nothing";
      default -> shown(value.asText());
    };
  }

  private static String shown(String text) {
    return text.length() <= SHOWN_CHARACTERS ? text : text.substring(0, SHOWN_CHARACTERS) + "…";
  }
}
