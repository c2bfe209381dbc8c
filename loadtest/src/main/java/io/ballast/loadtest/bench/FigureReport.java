package io.ballast.loadtest.bench;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;

/** Figures for people and for machines. */
final class FigureReport {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ROW = "%-52s %10s %-9s %10s %7s  %-15s %-14s %s%n";

  private FigureReport() {}

  /** A line a figure: its median, the baseline's, the median ratio with its range, the verdict. */
  static String table(List<Figure> figures) {
    StringBuilder table = new StringBuilder();
    table.append(
        ROW.formatted("figure", "value", "unit", "baseline", "ratio", "spread", "goal", "holds"));
    for (Figure figure : figures) {
      table.append(
          ROW.formatted(
              figure.name(),
              figure.measured() ? Figure.number(figure.value()) : "-",
              figure.unit(),
              figure.comparison().map(c -> Figure.number(c.baseline())).orElse("-"),
              figure.comparison().map(c -> "%.2f".formatted(c.ratio())).orElse("-"),
              spread(figure),
              figure.goal(),
              figure.holds() ? "yes" : figure.measured() ? "NO" : "NOT MEASURED"));
    }
    return table.toString();
  }

  /** Of the ratio where there is one, else of the value. */
  private static String spread(Figure figure) {
    if (!figure.measured()) {
      return "-";
    }
    return figure
        .comparison()
        .map(c -> "%.2f to %.2f".formatted(c.lowRatio(), c.highRatio()))
        .orElseGet(
            () ->
                figure.repetitions() == 1
                    ? "once"
                    : Figure.number(figure.low()) + " to " + Figure.number(figure.high()));
  }

  /** The list that {@code --json} writes. */
  static String json(List<Figure> figures) {
    ArrayNode list = JSON.createArrayNode();
    for (Figure figure : figures) {
      ObjectNode json = list.addObject();
      json.put("figure", figure.name());
      json.put("value", figure.measured() ? (Double) figure.value() : null);
      json.put("unit", figure.unit());
      json.put("baseline", figure.comparison().map(Figure.Comparison::baseline).orElse(null));
      json.put("ratio", figure.comparison().map(Figure.Comparison::ratio).orElse(null));
      json.put("goal", figure.goal().toString());
      json.put("holds", figure.holds());
    }
    return list.toPrettyString() + "\n";
  }
}
