package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.run.EvaluationState;
import org.jspecify.annotations.Nullable;

/** Evaluations as JSON; empty where there was none. Numbers come back bit for bit. */
final class EvaluationJson {
  private EvaluationJson() {}

  static String write(@Nullable EvaluationReading reading) {
    ObjectNode json = StateJson.MAPPER.createObjectNode();
    switch (reading) {
      case null -> {}
      case EvaluationReading.Measured measured ->
          json.put("mean", measured.mean())
              .put("low", measured.low())
              .put("high", measured.high())
              .put("confidence", measured.confidence())
              .put("units_count", measured.unitsCount())
              .put("scored_count", measured.scoredCount())
              .put("failed_count", measured.failedCount());
      case EvaluationReading.Failed failed ->
          json.put("reason", failed.reason()).put("message", failed.message());
    }
    return json.toString();
  }

  static @Nullable EvaluationReading reading(String text) {
    JsonNode json = StateJson.read(text);
    if (json.has("mean")) {
      return new EvaluationReading.Measured(
          json.path("mean").asDouble(),
          json.path("low").asDouble(),
          json.path("high").asDouble(),
          json.path("confidence").asDouble(),
          json.path("units_count").asInt(),
          json.path("scored_count").asInt(),
          json.path("failed_count").asInt());
    }
    return json.has("reason")
        ? new EvaluationReading.Failed(json.path("reason").asText(), json.path("message").asText())
        : null;
  }

  static ObjectNode tree(EvaluationState state) {
    return StateJson.MAPPER
        .createObjectNode()
        .put("best_iteration", state.bestIteration())
        .put("best", state.best())
        .put("reference", state.reference())
        .put("since_improvement", state.sinceImprovement());
  }

  /** That of before the first evaluation where there is none. */
  static EvaluationState state(JsonNode json) {
    return new EvaluationState(
        json.path("best_iteration").asInt(),
        json.path("best").asDouble(),
        json.path("reference").asDouble(),
        json.path("since_improvement").asInt());
  }
}
