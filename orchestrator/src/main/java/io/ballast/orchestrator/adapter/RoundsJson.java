package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.run.RoundsReading;
import org.jspecify.annotations.Nullable;

/** The rounds of an iteration as JSON; empty where nothing is left out. */
final class RoundsJson {
  private RoundsJson() {}

  static String write(@Nullable RoundsReading rounds) {
    ObjectNode json = StateJson.MAPPER.createObjectNode();
    if (rounds != null) {
      json.put("rounds_count", rounds.roundsCount())
          .put("sampled_groups_count", rounds.sampledGroupsCount())
          .put("kept_groups_count", rounds.keptGroupsCount());
    }
    return json.toString();
  }

  static @Nullable RoundsReading reading(String text) {
    JsonNode json = StateJson.read(text);
    return json.has("rounds_count")
        ? new RoundsReading(
            json.path("rounds_count").asInt(),
            json.path("sampled_groups_count").asInt(),
            json.path("kept_groups_count").asInt())
        : null;
  }
}
