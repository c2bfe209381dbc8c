package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import java.util.ArrayList;
import java.util.List;

/** Measured harm as JSON. Numbers come back bit for bit. */
final class MeasuredJson {
  private MeasuredJson() {}

  static String write(List<MeasuredReading> readings) {
    ArrayNode json = StateJson.MAPPER.createArrayNode();
    for (MeasuredReading reading : readings) {
      switch (reading) {
        case MeasuredReading.Measured measured ->
            json.addObject()
                .put("name", measured.name())
                .put("harm", measured.harm())
                .put("harm_std", measured.harmStd())
                .put("cost", measured.cost())
                .put("scored_count", measured.scoredCount())
                .put("failed_count", measured.failedCount());
        case MeasuredReading.Failed failed ->
            json.addObject()
                .put("name", failed.name())
                .put("reason", failed.reason())
                .put("message", failed.message());
      }
    }
    return json.toString();
  }

  static List<MeasuredReading> readings(String text) {
    List<MeasuredReading> readings = new ArrayList<>();
    for (JsonNode each : StateJson.read(text)) {
      String name = each.path("name").asText();
      readings.add(
          each.has("reason")
              ? new MeasuredReading.Failed(
                  name, each.path("reason").asText(), each.path("message").asText())
              : new MeasuredReading.Measured(
                  name,
                  each.path("harm").asDouble(),
                  each.path("harm_std").asDouble(),
                  each.path("cost").asDouble(),
                  each.path("scored_count").asInt(),
                  each.path("failed_count").asInt()));
    }
    return readings;
  }
}
