package io.ballast.loadtest.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.call.KeptFeedback;
import io.ballast.loadtest.report.LoadFigures;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import org.jspecify.annotations.Nullable;

/**
 * What one process saw of a load.
 *
 * @param ceiling calls a second that it manages
 * @param cutShort whether it ended at its part of {@code max_calls}
 * @param kept what became of the events that it had acknowledged; null: it did not look
 */
public record LoadPart(
    double ceiling, LoadFigures figures, boolean cutShort, @Nullable KeptFeedback kept) {
  /** Both together. */
  LoadPart plus(LoadPart other) {
    figures.add(other.figures);
    KeptFeedback both = kept == null || other.kept == null ? null : kept.plus(other.kept);
    return new LoadPart(ceiling + other.ceiling, figures, cutShort || other.cutShort, both);
  }

  /** Everything, so that {@link #of} makes the same of it. */
  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("ceiling_per_second", ceiling);
    json.set("figures", figures.json());
    json.put("cut_short", cutShort);
    if (kept != null) {
      json.putObject("kept")
          .put("acknowledged", kept.acknowledged())
          .put("lost", kept.lost())
          .put("doubled", kept.doubled())
          .put("unread", kept.unread());
    }
    return json;
  }

  /**
   * Reads what {@link #json} wrote.
   *
   * @throws IllegalArgumentException if it is of another load
   */
  static LoadPart of(JsonNode json, LoadScenario scenario) {
    LoadFigures figures = new LoadFigures(scenario, new Mix(scenario.mix(), scenario.seed()));
    figures.read(json.path("figures"));
    JsonNode kept = json.path("kept");
    return new LoadPart(
        json.path("ceiling_per_second").asDouble(),
        figures,
        json.path("cut_short").asBoolean(),
        kept.isObject()
            ? new KeptFeedback(
                kept.path("acknowledged").asLong(),
                kept.path("lost").asLong(),
                kept.path("doubled").asLong(),
                kept.path("unread").asText())
            : null);
  }
}
