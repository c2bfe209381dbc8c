package io.ballast.loadtest.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.TreeSet;

/**
 * How PostgreSQL went about a statement.
 *
 * @param steps the kinds of steps that were taken, such as Index Scan
 * @param tables that were looked into; of one with partitions, those
 */
record QueryPlan(Set<String> steps, Set<String> tables) {
  private static final ObjectMapper JSON = new ObjectMapper();

  QueryPlan {
    steps = Set.copyOf(steps);
    tables = Set.copyOf(tables);
  }

  /**
   * Reads what {@code auto_explain} says as JSON, with {@code log_analyze}. Steps that were never
   * taken, such as looks into partitions that turned out to have nothing of it, are left out.
   *
   * @throws IllegalArgumentException if it is something else
   */
  static QueryPlan parse(String explained) {
    Set<String> steps = new TreeSet<>();
    Set<String> tables = new TreeSet<>();
    Deque<JsonNode> left = new ArrayDeque<>();
    left.add(root(explained));
    while (!left.isEmpty()) {
      JsonNode step = left.remove();
      if (step.path("Actual Loops").asLong() > 0) {
        steps.add(step.path("Node Type").asText());
        if (step.has("Relation Name")) {
          tables.add(step.path("Relation Name").asText());
        }
      }
      step.path("Plans").forEach(left::add);
    }
    return new QueryPlan(steps, tables);
  }

  private static JsonNode root(String explained) {
    try {
      JsonNode plan = JSON.readTree(explained).path("Plan");
      if (!plan.has("Actual Loops")) {
        throw new IllegalArgumentException("no plan of a statement that was run: " + explained);
      }
      return plan;
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException("no plan: " + e.getOriginalMessage(), e);
    }
  }

  /** Both together. */
  QueryPlan and(QueryPlan other) {
    Set<String> allSteps = new TreeSet<>(steps);
    allSteps.addAll(other.steps);
    Set<String> allTables = new TreeSet<>(tables);
    allTables.addAll(other.tables);
    return new QueryPlan(allSteps, allTables);
  }

  /** The kinds of steps that only one of the two has. */
  Set<String> otherSteps(QueryPlan other) {
    Set<String> either = new TreeSet<>(and(other).steps);
    either.removeIf(step -> steps.contains(step) && other.steps.contains(step));
    return either;
  }
}
