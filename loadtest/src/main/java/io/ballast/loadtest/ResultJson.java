package io.ballast.loadtest;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.openloop.Latencies;
import io.ballast.loadtest.openloop.LoadResult;
import io.ballast.loadtest.report.GeneratorCheck;
import io.ballast.loadtest.scenario.CallKind;
import java.time.Duration;
import java.util.Locale;

/** A load's result for machines. Times are milliseconds where the name says so. */
final class ResultJson {
  private static final ObjectMapper JSON = new ObjectMapper();

  private ResultJson() {}

  /** A load of which nothing can be said: the generator's figures alone. */
  static ObjectNode of(
      CallKind scenario, String target, String arrivals, GeneratorCheck generator) {
    ObjectNode json = JSON.createObjectNode();
    json.put("scenario", scenario.name().toLowerCase(Locale.ROOT));
    json.put("target", target);
    json.put("arrivals", arrivals);
    generator.flaw().ifPresent(json.putArray("reasons")::add);
    json.set("generator", generator.json());
    return json;
  }

  static ObjectNode of(
      CallKind scenario,
      String target,
      String arrivals,
      GeneratorCheck generator,
      LoadResult result) {
    ObjectNode json = of(scenario, target, arrivals, generator);
    json.put("target_rate_per_second", result.plan().ratePerSecond());
    json.put("warm_up_seconds", seconds(result.plan().warmUp()));
    json.put("duration_seconds", seconds(result.plan().duration()));
    json.put("measured_seconds", result.measuredSeconds());
    json.put("sent_per_second", result.sentPerSecond());
    json.put("answered_per_second", result.succeededPerSecond());
    json.put("planned_count", result.planned());
    json.put("answered_count", result.succeeded());
    json.put("failed_count", result.failed());
    json.put("dropped_count", result.dropped());
    json.put("unsent_count", result.unsent());
    json.put("cut_short", result.cutShort());
    result.answers().forEach(json.putObject("answers")::put);
    result.failures().forEach(json.putObject("failures")::put);
    json.set("latency_ms", times(result.latency()));
    json.set("service_time_ms", times(result.serviceTime()));
    json.set("send_delay_ms", times(result.sendDelay()));
    return json;
  }

  static String text(ObjectNode json) {
    return json.toPrettyString();
  }

  private static ObjectNode times(Latencies latencies) {
    ObjectNode json = JSON.createObjectNode();
    json.put("count", latencies.count());
    json.put("mean", latencies.meanNanos() / 1e6);
    json.put("p50", latencies.nanosAt(50) / 1e6);
    json.put("p90", latencies.nanosAt(90) / 1e6);
    json.put("p99", latencies.nanosAt(99) / 1e6);
    json.put("p99_9", latencies.nanosAt(99.9) / 1e6);
    json.put("max", latencies.maxNanos() / 1e6);
    return json;
  }

  private static double seconds(Duration duration) {
    return duration.toNanos() / 1e9;
  }
}
