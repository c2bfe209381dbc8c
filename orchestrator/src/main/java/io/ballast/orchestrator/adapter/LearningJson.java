package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.UpdateOutcome;
import java.util.Map;
import java.util.TreeMap;

/** What updates did, as JSON. Numbers come back bit for bit. */
final class LearningJson {
  private LearningJson() {}

  static String write(LearningMetrics metrics) {
    ObjectNode json =
        StateJson.MAPPER
            .createObjectNode()
            .put("trained_count", metrics.trainedCount())
            .put("learning_rate", metrics.learningRate())
            .put("train_serve_gap_max_nats", metrics.trainServeGapMaxNats())
            .put("outcome", metrics.outcome().name())
            .put("message", metrics.message());
    ObjectNode objective = json.putObject("objective");
    metrics.objective().forEach(objective::put);
    return json.toString();
  }

  static LearningMetrics metrics(String text) {
    JsonNode json = StateJson.read(text);
    Map<String, Double> objective = new TreeMap<>();
    json.path("objective")
        .properties()
        .forEach(entry -> objective.put(entry.getKey(), entry.getValue().asDouble()));
    return new LearningMetrics(
        UpdateOutcome.valueOf(json.path("outcome").asText(UpdateOutcome.UNRECORDED.name())),
        json.path("message").asText(),
        json.path("trained_count").asInt(),
        json.path("learning_rate").asDouble(),
        json.path("train_serve_gap_max_nats").asDouble(),
        objective);
  }
}
