package io.ballast.orchestrator.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.watch.GoldBaseline;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.IterationWatch;
import io.ballast.orchestrator.core.watch.RunAlarm;
import io.ballast.orchestrator.core.watch.WatchState;
import io.ballast.rl.stats.Alarm;
import io.ballast.rl.stats.AlarmKind;
import io.ballast.rl.stats.OveroptimisationMonitor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The watch over a run's rewards as JSON. Numbers come back bit for bit. */
final class WatchJson {
  private WatchJson() {}

  static ObjectNode tree(WatchState state) {
    OveroptimisationMonitor monitor = state.monitor();
    ObjectNode json = StateJson.MAPPER.createObjectNode();
    json.put("max_spread_growth", monitor.maxSpreadGrowth());
    json.put("max_gap", monitor.maxGap());
    json.put("patience", monitor.patience());
    monitor.firstSpread().ifPresent(value -> json.put("first_spread", value));
    monitor.firstGap().ifPresent(value -> json.put("first_gap", value));
    json.put("spread_over", monitor.spreadOver());
    json.put("gap_over", monitor.gapOver());
    json.put("good_iteration", state.goodIteration());
    GoldBaseline baseline = state.baseline();
    if (baseline != null) {
      json.putObject("baseline")
          .put("iteration", baseline.iteration())
          .put("gold", baseline.gold())
          .put("gold_std", baseline.goldStd())
          .put("proxy", baseline.proxy())
          .put("proxy_std", baseline.proxyStd());
    }
    return json;
  }

  static WatchState state(JsonNode json) {
    JsonNode baseline = json.path("baseline");
    return new WatchState(
        new OveroptimisationMonitor(
            json.path("max_spread_growth").asDouble(),
            json.path("max_gap").asDouble(),
            json.path("patience").asInt(),
            StateJson.number(json, "first_spread"),
            StateJson.number(json, "first_gap"),
            json.path("spread_over").asInt(),
            json.path("gap_over").asInt()),
        baseline.isMissingNode()
            ? null
            : new GoldBaseline(
                baseline.path("iteration").asInt(),
                baseline.path("gold").asDouble(),
                baseline.path("gold_std").asDouble(),
                baseline.path("proxy").asDouble(),
                baseline.path("proxy_std").asDouble()),
        json.path("good_iteration").asInt());
  }

  static String write(IterationWatch watch) {
    ObjectNode json = StateJson.MAPPER.createObjectNode();
    switch (watch.gold()) {
      case null -> {}
      case GoldReading.Measured measured ->
          json.putObject("gold")
              .put("gold", measured.gold())
              .put("gold_std", measured.goldStd())
              .put("proxy", measured.proxy())
              .put("proxy_std", measured.proxyStd())
              .put("scored_count", measured.scoredCount())
              .put("failed_count", measured.failedCount());
      case GoldReading.Failed failed ->
          json.putObject("gold_failure")
              .put("reason", failed.reason())
              .put("message", failed.message());
    }
    if (watch.gap() != null) {
      json.put("gap", watch.gap());
    }
    if (!watch.alarms().isEmpty()) {
      json.set("alarms", tree(watch.alarms()));
    }
    return json.toString();
  }

  static IterationWatch iteration(String text) {
    JsonNode json = StateJson.read(text);
    return new IterationWatch(
        gold(json),
        json.has("gap") ? Double.valueOf(json.path("gap").asDouble()) : null,
        alarms(json.path("alarms")));
  }

  private static @Nullable GoldReading gold(JsonNode json) {
    JsonNode gold = json.path("gold");
    if (!gold.isMissingNode()) {
      return new GoldReading.Measured(
          gold.path("gold").asDouble(),
          gold.path("gold_std").asDouble(),
          gold.path("proxy").asDouble(),
          gold.path("proxy_std").asDouble(),
          gold.path("scored_count").asInt(),
          gold.path("failed_count").asInt());
    }
    JsonNode failure = json.path("gold_failure");
    return failure.isMissingNode()
        ? null
        : new GoldReading.Failed(failure.path("reason").asText(), failure.path("message").asText());
  }

  static String write(List<RunAlarm> alarms) {
    return tree(alarms).toString();
  }

  static List<RunAlarm> alarms(String text) {
    return alarms(StateJson.read(text));
  }

  private static ArrayNode tree(List<RunAlarm> alarms) {
    ArrayNode json = StateJson.MAPPER.createArrayNode();
    for (RunAlarm each : alarms) {
      json.addObject()
          .put("iteration", each.iteration())
          .put("kind", each.alarm().kind().name())
          .put("observed", each.alarm().observed())
          .put("limit", each.alarm().limit())
          .put("action", each.action().name())
          .put("constraint", each.constraint());
    }
    return json;
  }

  private static List<RunAlarm> alarms(JsonNode json) {
    List<RunAlarm> alarms = new ArrayList<>();
    for (JsonNode each : json) {
      alarms.add(
          new RunAlarm(
              each.path("iteration").asInt(),
              new Alarm(
                  AlarmKind.valueOf(each.path("kind").asText()),
                  each.path("observed").asDouble(),
                  each.path("limit").asDouble()),
              WatchAction.valueOf(each.path("action").asText()),
              each.path("constraint").asText()));
    }
    return alarms;
  }
}
