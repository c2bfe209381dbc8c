package io.ballast.loadtest.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.call.Credentials;
import io.ballast.loadtest.call.LoadTexts;
import io.ballast.loadtest.call.TargetAddress;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Phase;
import io.ballast.loadtest.scenario.ScenarioReader;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * What a process is told of its part of a load: a line of JSON. Credentials are not in it; they
 * come by the environment.
 *
 * @param phases that stand for those of the file; none: the file's own
 * @param number of the process, from 0
 */
record WorkerOrder(Path file, List<Phase> phases, MeshPlace place, int number, int processes) {
  private static final ObjectMapper JSON = new ObjectMapper();

  WorkerOrder {
    phases = List.copyOf(phases);
  }

  /** The load that it is of. */
  LoadScenario scenario() {
    LoadScenario scenario = ScenarioReader.read(file, LoadTexts.PROMPTS);
    return phases.isEmpty() ? scenario : scenario.with(phases);
  }

  /** The line. */
  String line() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("file", file.toAbsolutePath().toString());
    json.put("policy", place.policy().toString());
    json.put("reward", place.reward().toString());
    json.put("run", place.run());
    json.put("number", number);
    json.put("processes", processes);
    ArrayNode all = json.putArray("phases");
    for (Phase phase : phases) {
      all.addObject()
          .put("name", phase.name())
          .put("shape", phase.shape().name())
          .put("rate", phase.rate())
          .put("peak", phase.peak())
          .put("duration_nanos", phase.duration().toNanos())
          .put("measured", phase.measured());
    }
    return json.toString();
  }

  /** Reads {@link #line}. */
  static WorkerOrder of(String line, Credentials credentials) throws JsonProcessingException {
    JsonNode json = JSON.readTree(line);
    List<Phase> phases = new ArrayList<>();
    for (JsonNode phase : json.path("phases")) {
      phases.add(
          new Phase(
              phase.path("name").asText(),
              Phase.Shape.valueOf(phase.path("shape").asText()),
              phase.path("rate").asDouble(),
              phase.path("peak").asDouble(),
              Duration.ofNanos(phase.path("duration_nanos").asLong()),
              phase.path("measured").asBoolean()));
    }
    return new WorkerOrder(
        Path.of(json.path("file").asText()),
        phases,
        new MeshPlace(
            TargetAddress.parse(json.path("policy").asText()),
            TargetAddress.parse(json.path("reward").asText()),
            credentials,
            json.path("run").asText()),
        json.path("number").asInt(),
        json.path("processes").asInt());
  }
}
