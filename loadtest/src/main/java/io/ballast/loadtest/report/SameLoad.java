package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import io.ballast.loadtest.scenario.Spread;
import java.util.List;

/** Whether two results are of the same load, so that what they differ in is the mesh's. */
final class SameLoad {
  private static final List<String> OF_A_PHASE =
      List.of(
          "name", "shape", "duration_seconds", "rate_per_second", "peak_per_second", "measured");
  private static final List<String> OF_A_STEP =
      List.of(
          "name",
          "call",
          "weight",
          "gate",
          "with_reward",
          "with_cost",
          "items",
          "read_every_seconds");

  private SameLoad() {}

  /**
   * Looks at the scenario's name, and at how many calls of which kind are meant and when.
   *
   * @throws IllegalArgumentException naming the first thing that differs, or if a result has no
   *     figures or is of a release that did not count the steps of its intervals
   */
  static void require(JsonNode before, JsonNode after) {
    String name = before.path("scenario").asText();
    if (!name.equals(after.path("scenario").asText())) {
      throw new IllegalArgumentException(
          "scenarios: %s and %s (expected: the same)"
              .formatted(name, after.path("scenario").asText()));
    }
    requireFigures(before);
    requireFigures(after);
    requireSame("arrivals", before.path("arrivals"), after.path("arrivals"));
    JsonNode first = before.path("figures");
    JsonNode second = after.path("figures");
    requireAll("phases", first.path("phases"), second.path("phases"), OF_A_PHASE);
    requireAll("mix", first.path("steps"), second.path("steps"), OF_A_STEP);
    if (before.path("arrivals").asText().equals(Spread.TRACE.name())) {
      requireSame(
          "calls of the trace",
          first.path("total").path("planned_count"),
          second.path("total").path("planned_count"));
    }
  }

  private static void requireFigures(JsonNode report) {
    JsonNode figures = report.path("figures");
    String name = report.path("scenario").asText();
    if (!figures.isObject()) {
      throw new IllegalArgumentException(
          "%s: a load that is %s has no figures"
              .formatted(name, report.path("verdict").asText("absent")));
    }
    for (JsonNode interval : figures.path("intervals")) {
      if (interval.path("steps").size() != figures.path("steps").size()) {
        throw new IllegalArgumentException(
            "%s: figures.intervals have no steps: an older release wrote it; run the load again"
                .formatted(name));
      }
    }
  }

  private static void requireAll(String what, JsonNode before, JsonNode after, List<String> keys) {
    if (before.size() != after.size()) {
      throw new IllegalArgumentException(
          "%s: %d and %d (expected: the same load)".formatted(what, before.size(), after.size()));
    }
    for (int i = 0; i < before.size(); i++) {
      for (String key : keys) {
        requireSame(
            "%s[%d].%s".formatted(what, i, key), before.get(i).path(key), after.get(i).path(key));
      }
    }
  }

  private static void requireSame(String what, JsonNode before, JsonNode after) {
    if (!before.asText().equals(after.asText())) {
      throw new IllegalArgumentException(
          "%s: %s and %s (expected: the same load)"
              .formatted(what, before.asText(), after.asText()));
    }
  }
}
