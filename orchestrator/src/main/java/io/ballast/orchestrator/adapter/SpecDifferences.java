package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.PlainWords;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.RunSpecReader;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * In which keys the specs of runs differ by what they mean: a default that one spec names and
 * another leaves out is no difference, nor is {@code 1e-4} beside {@code 0.0001}.
 */
public final class SpecDifferences {
  /** What stands for a key that a spec does not have. */
  public static final String ABSENT = "–";

  private static final int SHOWN = 90;
  private static final int DIGITS = 8;
  private static final ObjectMapper JSON = new ObjectMapper();

  private SpecDifferences() {}

  /**
   * A key that differs.
   *
   * @param key such as {@code rollout.temperature} or {@code constraints[1].budget}
   * @param values of each spec, shortened; {@link #ABSENT} where it does not have the key
   */
  public record Row(String key, List<String> values) {
    /** Copies the list. */
    public Row {
      values = List.copyOf(values);
    }
  }

  /** Returns the keys that differ, in the order of the first spec, then of the others. */
  public static List<Row> of(List<String> specs) {
    return rows(specs, SpecDifferences::shown);
  }

  /** As {@link #of}, with what kind of value it is where that may be a text of a person's. */
  static List<Row> withoutTexts(List<String> specs) {
    return rows(
        specs,
        value ->
            switch (value) {
              case null -> ABSENT;
              case List<?> list -> "a list of " + list.size();
              default -> PlainWords.shown(value);
            });
  }

  /** What is said of a value; null: there is none. */
  @FunctionalInterface
  private interface Words {
    String of(@Nullable Object value);
  }

  private static List<Row> rows(List<String> specs, Words words) {
    List<Spec> read = specs.stream().map(Spec::read).toList();
    Set<List<Object>> paths = new LinkedHashSet<>();
    read.forEach(spec -> paths.addAll(spec.leaves().keySet()));
    List<Row> rows = new ArrayList<>();
    for (List<Object> path : paths) {
      if (read.stream().skip(1).anyMatch(spec -> differs(read.getFirst(), spec, path))) {
        rows.add(
            new Row(
                name(path), read.stream().map(spec -> words.of(spec.leaves().get(path))).toList()));
      }
    }
    return rows;
  }

  /** What a spec means, with every default; null if it would be refused today. */
  public static @Nullable RunSpec meaning(String spec) {
    return Spec.meaning(SpecParser.tree(spec));
  }

  /** Whether either spec would mean something else with the other's value in place of its own. */
  private static boolean differs(Spec one, Spec other, List<Object> path) {
    Object ofOne = one.leaves().get(path);
    Object ofOther = other.leaves().get(path);
    return !Objects.equals(ofOne, ofOther)
        && !(one.meansTheSameWith(path, ofOther) && other.meansTheSameWith(path, ofOne));
  }

  /**
   * A spec.
   *
   * @param tree as it was written
   * @param leaves what stands at each path; a list that holds no objects is one value
   * @param meaning with every default; null of a spec that would be refused today
   */
  private record Spec(
      @Nullable Object tree, Map<List<Object>, Object> leaves, @Nullable RunSpec meaning) {
    static Spec read(String text) {
      Object tree = SpecParser.tree(text);
      Map<List<Object>, Object> leaves = new LinkedHashMap<>();
      flatten(tree, List.of(), leaves);
      return new Spec(tree, leaves, meaning(tree));
    }

    private static @Nullable RunSpec meaning(@Nullable Object tree) {
      try {
        return RunSpecReader.read(tree);
      } catch (MeshException e) {
        return null;
      }
    }

    boolean meansTheSameWith(List<Object> path, @Nullable Object value) {
      return meaning != null && meaning.equals(meaning(with(tree, path, value)));
    }
  }

  private static void flatten(
      @Nullable Object node, List<Object> path, Map<List<Object>, Object> leaves) {
    switch (node) {
      case null -> {}
      case Map<?, ?> map ->
          map.forEach((key, value) -> flatten(value, and(path, String.valueOf(key)), leaves));
      case List<?> list when !list.isEmpty() && list.stream().allMatch(Map.class::isInstance) -> {
        for (int i = 0; i < list.size(); i++) {
          flatten(list.get(i), and(path, i), leaves);
        }
      }
      default -> leaves.put(path, node);
    }
  }

  private static List<Object> and(List<Object> path, Object step) {
    List<Object> longer = new ArrayList<>(path);
    longer.add(step);
    return List.copyOf(longer);
  }

  /** A copy of {@code node} with {@code value} at {@code path}, null: with nothing there. */
  private static @Nullable Object with(
      @Nullable Object node, List<Object> path, @Nullable Object value) {
    if (path.isEmpty()) {
      return value;
    }
    List<Object> rest = path.subList(1, path.size());
    if (path.getFirst() instanceof Integer index) {
      List<Object> copy = node instanceof List<?> list ? new ArrayList<>(list) : new ArrayList<>();
      while (copy.size() <= index) {
        copy.add(Map.of());
      }
      copy.set(index, Objects.requireNonNullElse(with(copy.get(index), rest, value), Map.of()));
      return copy;
    }
    Map<Object, Object> copy =
        node instanceof Map<?, ?> map ? new LinkedHashMap<>(map) : new LinkedHashMap<>();
    Object child = with(copy.get(path.getFirst()), rest, value);
    if (child == null) {
      copy.remove(path.getFirst());
    } else {
      copy.put(path.getFirst(), child);
    }
    return copy;
  }

  private static String name(List<Object> path) {
    StringBuilder name = new StringBuilder();
    for (Object step : path) {
      if (step instanceof Integer index) {
        name.append('[').append(index).append(']');
      } else {
        name.append(name.isEmpty() ? "" : ".").append(step);
      }
    }
    return name.toString();
  }

  private static String shown(@Nullable Object value) {
    if (value == null) {
      return ABSENT;
    }
    String text = value instanceof List<?> ? json(value) : String.valueOf(value);
    if (text.codePointCount(0, text.length()) <= SHOWN) {
      return oneLine(text);
    }
    String excerpt = text.substring(0, text.offsetByCodePoints(0, SHOWN - 1)) + "…";
    String count = value instanceof List<?> list ? list.size() + " items, " : "";
    // the digest tells long values apart that begin alike
    return "%s (%ssha256 %s)"
        .formatted(oneLine(excerpt), count, Sha256.of(text).substring(0, DIGITS));
  }

  private static String oneLine(String text) {
    return text.replace("\r", "").replace("\n", "⏎").replace("\t", "→");
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what a spec holds can be written", e);
    }
  }
}
