package io.ballast.reward.component;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.reward.component.Expression.WeightedSum.Term;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * Reads an expression: the name of a component, a number, or an object with one of the operations
 * {@code sum}, {@code product}, {@code min}, {@code clip}, {@code standardise}, {@code gate}.
 */
final class ExpressionReader {
  private static final double MOST = 1e9;
  private static final int MAX_DEPTH = 32;
  private static final int MAX_NODES = 256;
  private static final String FORMS =
      "the name of a component, a number, or an object with one of sum, product, min, clip,"
          + " standardise, gate";

  private final Set<String> names;
  private int nodes;

  /**
   * @param names of the components
   */
  ExpressionReader(Set<String> names) {
    this.names = names;
  }

  Expression read(JsonNode node, String path) {
    return read(node, path, 1);
  }

  private Expression read(JsonNode node, String path, int depth) {
    nodes++;
    if (depth > MAX_DEPTH || nodes > MAX_NODES) {
      throw new CompositeFlaw(
          path,
          "too large a tree (expected: at most %d deep, %d nodes)".formatted(MAX_DEPTH, MAX_NODES));
    }
    if (node.isTextual()) {
      return component(node.textValue(), path);
    }
    if (node.isNumber()) {
      return new Expression.Constant(Settings.number(node, path, -MOST, MOST));
    }
    if (!node.isObject()) {
      throw new CompositeFlaw(path, Settings.shown(node) + " (expected: " + FORMS + ")");
    }
    Settings settings = new Settings(node, path);
    Expression expression = operation(settings, path, depth + 1);
    settings.done();
    return expression;
  }

  private Expression component(String name, String path) {
    if (!names.contains(name)) {
      throw new CompositeFlaw(
          path, "there is no component \"%s\" (there are: %s)".formatted(name, names));
    }
    return new Expression.Of(name);
  }

  private Expression operation(Settings settings, String path, int depth) {
    if (settings.has("sum")) {
      return new Expression.WeightedSum(terms(settings, depth));
    }
    if (settings.has("product")) {
      return new Expression.Product(several(settings, "product", depth));
    }
    if (settings.has("min")) {
      return new Expression.Min(several(settings, "min", depth));
    }
    if (settings.has("clip")) {
      double low = settings.number("low", -MOST, MOST);
      double high = settings.number("high", -MOST, MOST);
      if (low > high) {
        throw new CompositeFlaw(
            settings.path("high"), high + " (expected: at least low, " + low + ")");
      }
      return new Expression.Clip(one(settings, "clip", depth), low, high);
    }
    if (settings.has("standardise")) {
      return new Expression.Standardise(
          one(settings, "standardise", depth),
          settings.number("mean", -MOST, MOST),
          settings.number("std", 1e-9, MOST));
    }
    if (settings.has("gate")) {
      return new Expression.Gate(
          one(settings, "gate", depth),
          settings.numberIfGiven("at_least", -MOST, MOST).orElse(1.0),
          one(settings, "then", depth),
          one(settings, "else", depth));
    }
    throw new CompositeFlaw(path, "no operation (expected: " + FORMS + ")");
  }

  private Expression one(Settings settings, String field, int depth) {
    return read(settings.node(field), settings.path(field), depth);
  }

  private List<Expression> several(Settings settings, String field, int depth) {
    JsonNode list = list(settings, field);
    List<Expression> expressions = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      expressions.add(read(list.get(i), "%s[%d]".formatted(settings.path(field), i), depth));
    }
    return expressions;
  }

  private List<Term> terms(Settings settings, int depth) {
    JsonNode list = list(settings, "sum");
    List<Term> terms = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      String path = "%s[%d]".formatted(settings.path("sum"), i);
      Settings term = new Settings(list.get(i), path);
      terms.add(new Term(term.number("weight", -MOST, MOST), one(term, "of", depth)));
      term.done();
    }
    return terms;
  }

  private static JsonNode list(Settings settings, String field) {
    JsonNode list = settings.node(field);
    if (!list.isArray() || list.isEmpty()) {
      throw new CompositeFlaw(
          settings.path(field), Settings.shown(list) + " (expected: a list, not empty)");
    }
    return list;
  }
}
