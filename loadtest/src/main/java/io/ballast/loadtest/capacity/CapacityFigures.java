package io.ballast.loadtest.capacity;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * What was measured of a mesh, from which a larger one is computed.
 *
 * @param machine where, in words
 * @param commit of the code that was measured
 * @param calls each kind once
 * @param footprint what replicas hold besides
 */
public record CapacityFigures(
    String machine, String commit, List<CallFigures> calls, Footprint footprint) {
  private static final JsonMapper JSON =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
          .build();

  /**
   * What a replica holds.
   *
   * @param residentMebibytes memory of one that has served, by server
   * @param versionMebibytes memory that one more version of the policy takes that draws
   * @param rewardVersionMebibytes memory that one more version of the reward takes that scores
   * @param eventBytes of the database for an event, its indices included
   * @param suggestionBytes the same for the record of a suggestion
   * @param databaseConnections that one replica held under the load, by server
   * @param orchestratorConnections that the orchestrator held beside it; a mesh has one
   */
  public record Footprint(
      Map<Server, Double> residentMebibytes,
      double versionMebibytes,
      double rewardVersionMebibytes,
      double eventBytes,
      double suggestionBytes,
      Map<Server, Integer> databaseConnections,
      int orchestratorConnections) {
    public Footprint {
      residentMebibytes = Map.copyOf(residentMebibytes);
      databaseConnections = Map.copyOf(databaseConnections);
      require(versionMebibytes >= 0, "footprint.version_mebibytes", versionMebibytes, "≥ 0");
      require(
          rewardVersionMebibytes >= 0,
          "footprint.reward_version_mebibytes",
          rewardVersionMebibytes,
          "≥ 0");
      require(eventBytes >= 0, "footprint.event_bytes", eventBytes, "≥ 0");
      require(suggestionBytes >= 0, "footprint.suggestion_bytes", suggestionBytes, "≥ 0");
      require(
          orchestratorConnections >= 0,
          "footprint.orchestrator_connections",
          orchestratorConnections,
          "≥ 0");
    }
  }

  public CapacityFigures {
    calls = List.copyOf(calls);
    Set<CallKind> kinds = calls.stream().map(CallFigures::call).collect(Collectors.toSet());
    require(
        kinds.size() == CallKind.values().length && calls.size() == kinds.size(),
        "calls",
        calls.stream().map(CallFigures::call).toList(),
        "each of " + List.of(CallKind.values()) + " once");
  }

  /** The figures of a kind of call. */
  CallFigures of(CallKind call) {
    return calls.stream().filter(each -> each.call() == call).findFirst().orElseThrow();
  }

  /**
   * Reads figures.
   *
   * @param name of the file, for messages
   * @throws IllegalArgumentException naming what is wrong with them, and where
   */
  static CapacityFigures parse(String name, String json) {
    try {
      return JSON.readValue(json, CapacityFigures.class);
    } catch (ValueInstantiationException e) {
      throw new IllegalArgumentException(
          "%s: %s"
              .formatted(
                  name, String.valueOf(e.getCause() == null ? e : e.getCause().getMessage())));
    } catch (JsonMappingException e) {
      throw new IllegalArgumentException("%s: %s: %s".formatted(name, path(e), said(e)));
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(
          "%s: no JSON in line %d: %s"
              .formatted(name, e.getLocation().getLineNr(), e.getOriginalMessage()));
    }
  }

  private static String said(JsonMappingException e) {
    String said = e.getOriginalMessage();
    if (e instanceof UnrecognizedPropertyException unknown) {
      return "no such key (known: " + unknown.getKnownPropertyIds() + ")";
    }
    return said.startsWith("Missing creator property") || said.startsWith("Null value")
        ? "is missing"
        : said.split("[;\n]", 2)[0];
  }

  private static String path(JsonMappingException e) {
    StringBuilder path = new StringBuilder();
    for (JsonMappingException.Reference step : e.getPath()) {
      if (step.getFieldName() == null) {
        path.append('[').append(step.getIndex()).append(']');
      } else {
        path.append(path.isEmpty() ? "" : ".").append(step.getFieldName());
      }
    }
    return path.isEmpty() ? "figures" : path.toString();
  }

  /** As {@link #parse} reads them. */
  public String json() {
    try {
      return JSON.writerWithDefaultPrettyPrinter().writeValueAsString(this) + "\n";
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e); // records of numbers
    }
  }

  static void require(boolean holds, String name, Object value, String allowed) {
    if (!holds) {
      throw new IllegalArgumentException("%s: %s (allowed: %s)".formatted(name, value, allowed));
    }
  }
}
