package io.ballast.orchestrator.core.spec;

import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.Faults;
import java.time.Duration;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoublePredicate;
import org.jspecify.annotations.Nullable;

/**
 * One object of a spec as it was written: keys, with values that are strings, numbers, booleans,
 * lists or objects again. Reads each key by its type and range, and names what is wrong by path.
 */
final class SpecNode {
  /** What a spec says where none of the choices holds. */
  static final String NONE = "NONE";

  private final String path;
  private final Map<?, ?> values;

  private SpecNode(String path, Map<?, ?> values) {
    this.path = path;
    this.values = values;
  }

  /** The whole spec, in which only {@code known} keys may stand. */
  static SpecNode root(@Nullable Object tree, String... known) {
    if (!(tree instanceof Map<?, ?> map)) {
      throw Faults.malformed(
          "spec", "%s (expected: an object with keys)".formatted(PlainWords.kind(tree)));
    }
    return new SpecNode("", map).allowing(known);
  }

  /** The object below {@code key}, empty if absent, in which only {@code known} keys may stand. */
  SpecNode child(String key, String... known) {
    Object value = values.get(key);
    if (value == null) {
      return new SpecNode(pathOf(key), Map.of());
    }
    if (!(value instanceof Map<?, ?> map)) {
      throw flaw(key, PlainWords.kind(value), "an object with keys");
    }
    return new SpecNode(pathOf(key), map).allowing(known);
  }

  /**
   * The objects of the list below {@code key}, at most {@code most}, none if absent; in each only
   * {@code known} keys may stand.
   */
  List<SpecNode> children(String key, int most, String... known) {
    Object value = values.get(key);
    if (value == null) {
      return List.of();
    }
    if (!(value instanceof List<?> list) || list.size() > most) {
      throw flaw(
          key,
          value instanceof List<?> list ? list.size() + " objects" : PlainWords.kind(value),
          "a list of at most " + most + " objects");
    }
    List<SpecNode> children = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      String at = "%s[%d]".formatted(pathOf(key), i);
      if (!(list.get(i) instanceof Map<?, ?> map)) {
        throw Faults.malformed(
            at, PlainWords.kind(list.get(i)) + " (expected: an object with keys)");
      }
      children.add(new SpecNode(at, map).allowing(known));
    }
    return children;
  }

  /** As {@link #child}, of which text stands for an object with that as its kind. */
  SpecNode named(String key, String... known) {
    return named(pathOf(key), values.get(key)).allowing(known);
  }

  /** As {@link #children}, of which each may be text that is its kind. */
  List<SpecNode> namedChildren(String key, int most, String... known) {
    if (!(values.get(key) instanceof List<?> list) || list.size() > most) {
      throw flaw(key, PlainWords.kind(values.get(key)), "a list of at most " + most);
    }
    List<SpecNode> children = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      children.add(named("%s[%d]".formatted(pathOf(key), i), list.get(i)).allowing(known));
    }
    return children;
  }

  private static SpecNode named(String path, @Nullable Object value) {
    return switch (value) {
      case String kind -> new SpecNode(path, Map.of("kind", kind));
      case Map<?, ?> map -> new SpecNode(path, map);
      case null, default ->
          throw Faults.malformed(
              path,
              PlainWords.kind(value) + " (expected: a kind, or an object with kind and its keys)");
    };
  }

  private SpecNode allowing(String... known) {
    for (Object key : values.keySet()) {
      if (!(key instanceof String name) || !PlainWords.isWord(name)) { // of YAML it may be a list
        throw Faults.malformed(
            path.isEmpty() ? "spec" : path,
            "unknown key: %s (known: %s)"
                .formatted(PlainWords.kind(key), String.join(", ", known)));
      }
      if (!Arrays.asList(known).contains(name)) {
        String nearest = nearest(name, known);
        throw Faults.malformed(
            pathOf(name),
            "unknown key (did you mean '%s'? known: %s)"
                .formatted(nearest, String.join(", ", known)));
      }
    }
    return this;
  }

  boolean isList(String key) {
    return values.get(key) instanceof List<?>;
  }

  boolean has(String key) {
    return values.get(key) != null;
  }

  String pathOf(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }

  /** Text; a number is taken as it is written, so that {@code version: 1} works. */
  String text(String key, String otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof String || value instanceof Number) {
      return value.toString();
    }
    throw flaw(key, PlainWords.shown(value), "text; put it in quotes");
  }

  String requiredText(String key, String what) {
    if (!has(key)) {
      throw flaw(key, "absent", what);
    }
    return text(key, "");
  }

  /** A name of a model, version, alias or run. */
  String name(String key, String otherwise) {
    return Faults.requireName(pathOf(key), text(key, otherwise));
  }

  int integer(String key, int otherwise, int min, int max) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    String expected = "a whole number, %,d to %,d".formatted(min, max);
    double number = numberOf(key, value, expected);
    if (number != Math.rint(number) || number < min || number > max) {
      throw flaw(key, PlainWords.shown(value), expected);
    }
    return (int) number;
  }

  long anyLong(String key, long otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Integer || value instanceof Long) {
      return ((Number) value).longValue();
    }
    throw flaw(key, PlainWords.shown(value), "a whole number of 64 bits");
  }

  double number(String key, double otherwise, DoublePredicate holds, String expected) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    double number = numberOf(key, value, expected);
    if (!Double.isFinite(number) || !holds.test(number)) {
      throw flaw(key, PlainWords.shown(value), expected);
    }
    return number;
  }

  double requiredNumber(String key, DoublePredicate holds, String expected) {
    if (!has(key)) {
      throw flaw(key, "absent", expected);
    }
    return number(key, 0, holds, expected);
  }

  /** YAML 1.1 takes 1e-4 for text: a number needs a dot there. */
  private double numberOf(String key, Object value, String expected) {
    if (value instanceof Number number) {
      return number.doubleValue();
    }
    if (value instanceof String text) {
      try {
        return Double.parseDouble(text);
      } catch (NumberFormatException e) {
        throw flaw(key, PlainWords.shown(value), expected);
      }
    }
    throw flaw(key, PlainWords.shown(value), expected);
  }

  /** A time in ISO 8601, such as {@code PT10M}. */
  Duration duration(String key, Duration otherwise, Duration most) {
    if (!has(key)) {
      return otherwise;
    }
    String text = text(key, "");
    String expected = "a time in ISO 8601, PT0S to %s, such as PT10M".formatted(most);
    try {
      Duration time = Duration.parse(text);
      if (time.isNegative() || time.compareTo(most) > 0) {
        throw flaw(key, PlainWords.shown(text), expected);
      }
      return time;
    } catch (DateTimeParseException e) {
      throw flaw(key, PlainWords.shown(text), expected);
    }
  }

  boolean flag(String key, boolean otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw flaw(key, PlainWords.shown(value), "true or false");
  }

  /** One of {@code allowed}, in any case. */
  <E extends Enum<E>> E choice(String key, E otherwise, List<E> allowed) {
    return has(key) ? chosen(key, allowed, names(allowed)) : otherwise;
  }

  /** One of {@code allowed}, in any case, which must be there. */
  <E extends Enum<E>> E requiredChoice(String key, List<E> allowed) {
    if (!has(key)) {
      throw flaw(key, "absent", "one of " + names(allowed));
    }
    return chosen(key, allowed, names(allowed));
  }

  /** One of {@code allowed}, in any case; null for {@link #NONE}. */
  <E extends Enum<E>> @Nullable E choiceOrNone(String key, E otherwise, List<E> allowed) {
    if (!has(key)) {
      return otherwise;
    }
    return text(key, "").equalsIgnoreCase(NONE)
        ? null
        : chosen(key, allowed, names(allowed) + ", " + NONE);
  }

  private <E extends Enum<E>> E chosen(String key, List<E> allowed, String names) {
    String text = text(key, "");
    return allowed.stream()
        .filter(each -> each.name().equals(text.toUpperCase(Locale.ROOT)))
        .findFirst()
        .orElseThrow(() -> flaw(key, PlainWords.shown(text), "one of " + names));
  }

  private static <E extends Enum<E>> String names(List<E> allowed) {
    return String.join(", ", allowed.stream().map(Enum::name).toList());
  }

  /** A list of texts. */
  List<String> texts(String key, List<String> otherwise) {
    Object value = values.get(key);
    if (value == null) {
      return otherwise;
    }
    if (!(value instanceof List<?> list)) {
      throw flaw(key, PlainWords.kind(value), "a list");
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      if (!(list.get(i) instanceof String text)) {
        throw Faults.malformed(
            "%s[%d]".formatted(pathOf(key), i),
            "%s (expected: text; put it in quotes)".formatted(PlainWords.kind(list.get(i))));
      }
      texts.add(text);
    }
    return texts;
  }

  /** A value that is wrong, with what was expected. */
  io.ballast.kit.error.MeshException flaw(String key, String value, String expected) {
    return Faults.malformed(pathOf(key), "%s (expected: %s)".formatted(value, expected));
  }

  /** This object, if it is wrong as a whole, with what was expected. */
  io.ballast.kit.error.MeshException flaw(String value, String expected) {
    return Faults.malformed(path, "%s (expected: %s)".formatted(value, expected));
  }

  /** The known key with the fewest edits to {@code name}. */
  private static String nearest(String name, String... known) {
    String best = known[0];
    int fewest = Integer.MAX_VALUE;
    for (String candidate : known) {
      int edits = edits(name, candidate);
      if (edits < fewest) {
        fewest = edits;
        best = candidate;
      }
    }
    return best;
  }

  /** Levenshtein's distance. */
  private static int edits(String a, String b) {
    int[] before = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      before[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int replaced = before[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(replaced, 1 + Math.min(before[j], row[j - 1]));
      }
      before = row;
    }
    return before[b.length()];
  }
}
