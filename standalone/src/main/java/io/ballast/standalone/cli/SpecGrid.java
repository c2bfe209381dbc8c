package io.ballast.standalone.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.adapter.SpecParser;
import io.ballast.orchestrator.core.spec.PromotionMode;
import io.ballast.orchestrator.core.spec.ReuseKind;
import io.ballast.orchestrator.core.spec.RunSpec;
import io.ballast.orchestrator.core.spec.RunSpecReader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The specs that come of one by giving some of its keys several values: the product of the values.
 * Each is named after its values, so that the same values make the same spec however the grid
 * grows, and none promotes by itself: the first to do so would move what the others start from.
 */
final class SpecGrid {
  private static final int MOST_RUNS = 256;
  private static final int NAME_DIGITS = 8;
  private static final ObjectMapper JSON = new ObjectMapper();

  private SpecGrid() {}

  /**
   * One point of the grid.
   *
   * @param values of the keys, as they were given
   * @param name of the run
   * @param spec its text, JSON
   */
  record Cell(Map<String, Object> values, String name, String spec) {
    /** Copies the map. */
    Cell {
      values = Collections.unmodifiableMap(new LinkedHashMap<>(values));
    }

    /** The values in words. */
    String words() {
      return values.entrySet().stream()
          .map(each -> each.getKey() + "=" + shown(each.getValue()))
          .collect(Collectors.joining(", "));
    }
  }

  /**
   * Returns the points, the last key's values changing first.
   *
   * @param text of the spec, YAML or JSON
   * @param axes each {@code key=value,value…}: a key with dots, and its values as YAML has them
   * @throws CommandFailure if an axis or one of the specs is flawed, or the safety tests of several
   *     runs would need the same prompts
   */
  static List<Cell> of(String text, List<String> axes) {
    if (!(SpecParser.tree(text) instanceof Map<?, ?> base)) {
      throw refused("the spec is no object with keys");
    }
    Map<String, List<?>> values = new LinkedHashMap<>();
    axes.forEach(axis -> addAxis(axis, values));
    List<Map<String, Object>> points = product(values);
    List<Cell> cells = new ArrayList<>();
    List<RunSpec> specs = new ArrayList<>();
    for (Map<String, Object> point : points) {
      Map<Object, Object> tree = at(base, point);
      specs.add(read(tree, point));
      cells.add(new Cell(point, String.valueOf(tree.get("name")), json(tree)));
    }
    requirePrompts(specs);
    return cells;
  }

  private static void addAxis(String axis, Map<String, List<?>> values) {
    int equals = axis.indexOf('=');
    String key = axis.substring(0, Math.max(0, equals));
    if (key.isEmpty()) {
      throw refused("'%s' (expected: KEY=VALUE,VALUE…)".formatted(axis));
    }
    if (key.equals("name") || key.equals("promotion")) {
      throw refused(key + " (expected: another key: a grid sets this one itself)");
    }
    Object list = parsed(axis, "[" + axis.substring(equals + 1) + "]");
    if (!(list instanceof List<?> given) || given.isEmpty() || given.contains(null)) {
      throw refused("'%s' (expected: at least one value, none empty)".formatted(axis));
    }
    if (new HashSet<>(given).size() < given.size()) {
      throw refused("'%s' (expected: no value twice)".formatted(axis));
    }
    if (values.put(key, given) != null) {
      throw refused(key + " is there twice (expected: all its values in one --grid)");
    }
  }

  private static @Nullable Object parsed(String axis, String list) {
    try {
      return SpecParser.tree(list);
    } catch (MeshException e) {
      throw refused("'%s' (expected: values as YAML has them): %s".formatted(axis, e.getMessage()));
    }
  }

  private static List<Map<String, Object>> product(Map<String, List<?>> values) {
    List<Map<String, Object>> points = List.of(Map.of());
    for (Map.Entry<String, List<?>> axis : values.entrySet()) {
      List<Map<String, Object>> more = new ArrayList<>();
      for (Map<String, Object> point : points) {
        for (Object value : axis.getValue()) {
          Map<String, Object> next = new LinkedHashMap<>(point);
          next.put(axis.getKey(), value);
          more.add(next);
        }
      }
      if (more.size() > MOST_RUNS) {
        throw refused("more than %d runs (expected: fewer values)".formatted(MOST_RUNS));
      }
      points = more;
    }
    return points;
  }

  private static Map<Object, Object> at(Map<?, ?> base, Map<String, Object> point) {
    Map<Object, Object> tree = new LinkedHashMap<>(base);
    point.forEach((key, value) -> put(tree, key, List.of(key.split("\\.", -1)), value));
    String digest = Sha256.of(json(point)).substring(0, NAME_DIGITS);
    tree.put("name", base.get("name") + "-" + digest);
    if (!PromotionMode.NEVER.name().equalsIgnoreCase(String.valueOf(base.get("promotion")))) {
      tree.put("promotion", PromotionMode.WAIT.name());
    }
    return tree;
  }

  private static void put(Map<Object, Object> tree, String key, List<String> path, Object value) {
    String first = path.getFirst();
    if (path.size() == 1) {
      tree.put(first, value);
      return;
    }
    Object there = tree.get(first);
    if (there != null && !(there instanceof Map<?, ?>)) {
      throw refused("%s: '%s' is no object with keys in the spec".formatted(key, first));
    }
    Map<Object, Object> child =
        there instanceof Map<?, ?> map ? new LinkedHashMap<>(map) : new LinkedHashMap<>();
    put(child, key, path.subList(1, path.size()), value);
    tree.put(first, child);
  }

  private static RunSpec read(Map<Object, Object> tree, Map<String, Object> point) {
    try {
      return RunSpecReader.read(tree);
    } catch (MeshException e) {
      throw refused("with %s: %s".formatted(json(point), e.getMessage()));
    }
  }

  /** A test uses its prompts up: the second run would learn all and could not be tested. */
  private static void requirePrompts(List<RunSpec> specs) {
    boolean pool =
        specs.stream()
            .map(RunSpec::safetyTest)
            .allMatch(test -> test.drawCount() > 0 && test.reuse() == ReuseKind.REFUSE);
    Set<?> sources =
        specs.stream().map(spec -> spec.safetyTest().prompts()).collect(Collectors.toSet());
    if (!pool && sources.size() < specs.size()) {
      throw refused(
          "safety_test.draw_count: absent (expected with several runs: how many prompts each safety test draws from the pool; one test uses its prompts up for all others)");
    }
  }

  private static String shown(Object value) {
    return value instanceof String text ? text : json(value);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("what a spec holds can be written", e);
    }
  }

  private static CommandFailure refused(String what) {
    return new CommandFailure(Exit.USAGE, "BAD_GRID", "--grid: " + what);
  }
}
