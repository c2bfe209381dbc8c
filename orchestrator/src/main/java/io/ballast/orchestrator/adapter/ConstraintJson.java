package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.ConstraintState;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.rl.constraint.TaggedCost;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Constraints of a run as JSON. Numbers come back bit for bit. */
final class ConstraintJson {
  private ConstraintJson() {}

  static ArrayNode states(List<ConstraintState> states) {
    ArrayNode json = StateJson.MAPPER.createArrayNode();
    for (ConstraintState state : states) {
      ObjectNode each = json.addObject().put("name", state.name()).put("lambda", state.lambda());
      ArrayNode costs = each.putArray("costs");
      ArrayNode versions = each.putArray("versions");
      for (TaggedCost cost : state.costs()) {
        costs.add(cost.cost());
        versions.add(cost.version());
      }
    }
    return json;
  }

  /**
   * Reads the constraints of a loop state.
   *
   * @param iterationsDone of the run; a state from before costs had versions is taken to be of the
   *     newest policy that sampled
   */
  static List<ConstraintState> states(JsonNode state, int iterationsDone) {
    List<ConstraintState> states = new ArrayList<>();
    if (!state.has("constraints")) {
      List<TaggedCost> costs = new ArrayList<>();
      state
          .path("costs")
          .forEach(cost -> costs.add(new TaggedCost(cost.asDouble(), iterationsDone)));
      return List.of(
          new ConstraintState(ConstraintSpec.DEFAULT_NAME, state.path("lambda").asDouble(), costs));
    }
    for (JsonNode each : state.path("constraints")) {
      List<TaggedCost> costs = new ArrayList<>();
      for (int i = 0; i < each.path("costs").size(); i++) {
        costs.add(
            new TaggedCost(
                each.path("costs").get(i).asDouble(), each.path("versions").get(i).asLong()));
      }
      states.add(
          new ConstraintState(each.path("name").asText(), each.path("lambda").asDouble(), costs));
    }
    return states;
  }

  static String write(List<ConstraintReading> readings) {
    ArrayNode json = StateJson.MAPPER.createArrayNode();
    for (ConstraintReading reading : readings) {
      ObjectNode each =
          json.addObject().put("name", reading.name()).put("mean_cost", reading.meanCost());
      put(each, "bound", reading.bound());
      put(each, "lambda", reading.lambda());
      put(each, "target", reading.target());
      each.put("at_cap", reading.atCap());
    }
    return json.toString();
  }

  /**
   * Reads the constraints of an iteration.
   *
   * @param old what an iteration from before they had names says; λ is there if its constraint was
   *     on
   */
  static List<ConstraintReading> readings(String text, ConstraintReading old) {
    List<ConstraintReading> readings = new ArrayList<>();
    for (JsonNode each : StateJson.read(text)) {
      readings.add(
          new ConstraintReading(
              each.path("name").asText(),
              each.path("mean_cost").asDouble(),
              number(each, "bound"),
              number(each, "lambda"),
              number(each, "target"),
              each.path("at_cap").asBoolean()));
    }
    return readings.isEmpty() ? List.of(old) : readings;
  }

  private static void put(ObjectNode json, String key, @Nullable Double number) {
    if (number != null) {
      json.put(key, number);
    }
  }

  private static @Nullable Double number(JsonNode json, String key) {
    return json.has(key) ? Double.valueOf(json.path(key).asDouble()) : null;
  }
}
