package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.data.DataCursor;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.algorithm.RecipeState;
import io.ballast.rl.stats.PolicyVitals;
import io.ballast.rl.stats.RunningMoments;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import org.jspecify.annotations.Nullable;

/** State of a run as JSON. Numbers come back bit for bit: each is written as its shortest form. */
final class StateJson {
  static final ObjectMapper MAPPER = new ObjectMapper();

  private StateJson() {}

  static String write(LoopState state) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("defaults_version", state.defaultsVersion());
    json.set("constraints", ConstraintJson.states(state.constraints()));
    ObjectNode recipe = json.putObject("recipe");
    recipe.set("rewards", moments(state.recipe().rewards()));
    recipe.set("returns", moments(state.recipe().returns()));
    state.recipe().klCoefficient().ifPresent(each -> recipe.put("kl_coefficient", each));
    recipe.put("texts", state.recipe().texts());
    PolicyVitals first = state.firstVitals();
    if (first != null) {
      ObjectNode vitals =
          json.putObject("first_vitals")
              .put("entropy", first.entropy())
              .put("length_tokens", first.lengthTokens())
              .put("phrase_share", first.phraseShare());
      first.kl().ifPresent(kl -> vitals.put("kl", kl));
      first.spread().ifPresent(spread -> vitals.put("spread", spread));
    }
    WatchState watch = state.watch();
    if (watch != null) {
      json.set("watch", WatchJson.tree(watch));
    }
    json.set("evaluation", EvaluationJson.tree(state.evaluation()));
    ArrayNode models = json.putArray("cost_models");
    state.costModels().forEach(model -> models.add(version(model)));
    json.set("cursor", cursor(state.cursor()));
    json.putObject("stream")
        .put("position", state.cursor().stream().position())
        .put("events", state.cursor().stream().events());
    return json.toString();
  }

  /**
   * Reads a loop state. One that does not say its defaults is of version 1 if its constraint has no
   * name, and of version 2 otherwise: names came with those.
   *
   * @param iterationsDone of its run
   */
  static LoopState loopState(String text, int iterationsDone) {
    JsonNode json = read(text);
    List<PinnedVersion> models = new ArrayList<>();
    json.path("cost_models").forEach(model -> models.add(version(model)));
    return new LoopState(
        ConstraintJson.states(json, iterationsDone),
        new RecipeState(
            moments(json.path("recipe").path("rewards")),
            moments(json.path("recipe").path("returns")),
            number(json.path("recipe"), "kl_coefficient"),
            json.path("recipe").path("texts").asLong()),
        json.has("first_vitals") ? vitals(json.path("first_vitals")) : null,
        json.has("watch") ? WatchJson.state(json.path("watch")) : null,
        EvaluationJson.state(json.path("evaluation")),
        models,
        cursor(json.path("cursor"), json.path("stream")),
        json.path("defaults_version").asInt(json.has("constraints") ? 2 : 1));
  }

  private static ArrayNode cursor(DataCursor cursor) {
    ArrayNode json = MAPPER.createArrayNode();
    cursor
        .places()
        .forEach(
            place ->
                json.addObject()
                    .put("pass", place.pass())
                    .put("position", place.position())
                    .put("size", place.size())
                    .put("drawn", place.drawn()));
    return json;
  }

  /** None where a state is of before there were any. */
  private static DataCursor cursor(JsonNode json, JsonNode stream) {
    List<DataCursor.Place> places = new ArrayList<>();
    json.forEach(
        place ->
            places.add(
                new DataCursor.Place(
                    place.path("pass").asInt(),
                    place.path("position").asInt(),
                    place.path("size").asInt(),
                    place.path("drawn").asLong())));
    return new DataCursor(
        places,
        new DataCursor.Stream(stream.path("position").asText(), stream.path("events").asLong()));
  }

  private static ObjectNode moments(RunningMoments moments) {
    return MAPPER
        .createObjectNode()
        .put("count", moments.count())
        .put("mean", moments.mean())
        .put("squared_deviations", moments.squaredDeviations());
  }

  /** None where a state is of before there were any. */
  private static RunningMoments moments(JsonNode json) {
    return new RunningMoments(
        json.path("count").asLong(),
        json.path("mean").asDouble(),
        json.path("squared_deviations").asDouble());
  }

  private static PolicyVitals vitals(JsonNode json) {
    return new PolicyVitals(
        number(json, "kl"),
        number(json, "spread"),
        json.path("entropy").asDouble(),
        json.path("length_tokens").asDouble(),
        json.path("phrase_share").asDouble());
  }

  static String write(List<SafetyTestReport> reports) {
    ArrayNode json = MAPPER.createArrayNode();
    reports.forEach(report -> json.add(tree(report)));
    return json.toString();
  }

  private static ObjectNode tree(SafetyTestReport report) {
    ObjectNode json = MAPPER.createObjectNode();
    json.put("constraint", report.constraint());
    json.put("test_id", report.testId());
    json.put("state", report.state().name());
    json.set("candidate", version(report.candidate()));
    json.set("cost_model", version(report.costModel()));
    SafetyTestReport.Outcome outcome = report.outcome();
    if (outcome != null) {
      json.putObject("outcome")
          .put("n", outcome.n())
          .put("mean_cost", outcome.meanCost())
          .put("std_cost", outcome.stdCost())
          .put("upper_bound", outcome.upperBound())
          .put("threshold", outcome.threshold())
          .put("delta", outcome.delta())
          .put("bound_method", outcome.boundMethod())
          .put("failed_items_count", outcome.failedItemsCount());
    }
    json.put("certificate_id", report.certificateId());
    json.put("failure_message", report.failureMessage());
    json.put("prompts_sha256", report.promptsSha256());
    put(json, "started_at", report.startedAt());
    put(json, "ended_at", report.endedAt());
    json.put("judged_count", report.judgedCount());
    json.put("prompts_count", report.promptsCount());
    json.put("spent", report.spent());
    json.put("sealed", report.sealed());
    return json;
  }

  /** Reads the safety tests of a run; one that stands alone is of before there could be several. */
  static List<SafetyTestReport> reports(String text) {
    JsonNode json = read(text);
    if (!json.isArray()) {
      return List.of(report(json));
    }
    List<SafetyTestReport> reports = new ArrayList<>();
    json.forEach(each -> reports.add(report(each)));
    return reports;
  }

  private static SafetyTestReport report(JsonNode json) {
    return new SafetyTestReport(
        json.path("constraint").asText(ConstraintSpec.DEFAULT_NAME),
        json.path("test_id").asText(),
        SafetyTestReport.State.valueOf(json.path("state").asText()),
        version(json.path("candidate")),
        version(json.path("cost_model")),
        json.has("outcome") ? outcome(json.path("outcome")) : null,
        json.path("certificate_id").asText(),
        json.path("failure_message").asText(),
        json.path("prompts_sha256").asText(),
        instant(json, "started_at"),
        instant(json, "ended_at"),
        json.path("judged_count").asInt(),
        json.path("prompts_count").asInt(),
        json.path("spent").asBoolean(),
        json.path("sealed").asBoolean());
  }

  private static SafetyTestReport.Outcome outcome(JsonNode json) {
    return new SafetyTestReport.Outcome(
        json.path("n").asInt(),
        json.path("mean_cost").asDouble(),
        json.path("std_cost").asDouble(),
        json.path("upper_bound").asDouble(),
        json.path("threshold").asDouble(),
        json.path("delta").asDouble(),
        json.path("bound_method").asText(),
        json.path("failed_items_count").asInt());
  }

  private static ObjectNode version(PinnedVersion version) {
    return MAPPER
        .createObjectNode()
        .put("model", version.model())
        .put("version", version.version())
        .put("weights_sha256", version.weightsSha256());
  }

  private static PinnedVersion version(JsonNode json) {
    return new PinnedVersion(
        json.path("model").asText(),
        json.path("version").asText(),
        json.path("weights_sha256").asText());
  }

  private static void put(ObjectNode json, String key, @Nullable Instant instant) {
    if (instant != null) {
      json.put(key, instant.toString());
    }
  }

  static OptionalDouble number(JsonNode json, String key) {
    return json.has(key) ? OptionalDouble.of(json.path(key).asDouble()) : OptionalDouble.empty();
  }

  private static @Nullable Instant instant(JsonNode json, String key) {
    return json.has(key) ? Instant.parse(json.path(key).asText()) : null;
  }

  static JsonNode read(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("stored state is no JSON", e);
    }
  }
}
