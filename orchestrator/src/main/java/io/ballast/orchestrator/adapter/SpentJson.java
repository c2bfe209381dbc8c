package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.run.Spent;
import org.jspecify.annotations.Nullable;

/** What a run has used up, as JSON; empty where it is unknown. Numbers come back bit for bit. */
final class SpentJson {
  private SpentJson() {}

  static String write(@Nullable Spent spent) {
    ObjectNode json = StateJson.MAPPER.createObjectNode();
    if (spent != null) {
      json.put("completion_tokens", spent.completionTokens()).put("seconds", spent.seconds());
      if (spent.money() != null) {
        json.put("money", spent.money());
      }
    }
    return json.toString();
  }

  static @Nullable Spent spent(String text) {
    JsonNode json = StateJson.read(text);
    return json.has("seconds")
        ? new Spent(
            json.path("completion_tokens").asLong(),
            json.path("seconds").asDouble(),
            json.has("money") ? Double.valueOf(json.path("money").asDouble()) : null)
        : null;
  }
}
