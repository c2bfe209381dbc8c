package io.ballast.standalone.demo.report;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.standalone.demo.flow.DemoResult;
import io.ballast.standalone.demo.measure.Comparison;
import io.ballast.standalone.demo.measure.Interval;
import io.ballast.standalone.demo.mesh.RunName;
import io.ballast.standalone.demo.mesh.RunOutcome;
import java.io.IOException;
import java.nio.file.Path;

/** The result for programs. docs/demo.md says what each key means. */
public final class DemoJson {
  private static final ObjectMapper JSON =
      new ObjectMapper().enable(SerializationFeature.INDENT_OUTPUT);

  private DemoJson() {}

  /** Writes the result to {@code file}. */
  public static void write(DemoResult result, Path file) throws IOException {
    JSON.writeValue(file.toFile(), of(result));
  }

  /** Returns the result as a tree; the metrics are those with the gate in force. */
  static ObjectNode of(DemoResult result) {
    ObjectNode root = JSON.createObjectNode();
    root.put("positions_count", result.comparison().positionsCount());
    root.put("wall_seconds", result.wallSeconds());
    ArrayNode metrics = root.putArray("metrics");
    for (Comparison.Row row : result.comparison().inForce().rows()) {
      ObjectNode metric = metrics.addObject();
      metric.put("name", row.metric().key());
      put(metric.putObject("before"), row.before());
      put(metric.putObject("after"), row.after());
      put(metric.putObject("difference"), row.difference());
    }
    ArrayNode runs = root.putArray("runs");
    for (RunName name : RunName.values()) {
      put(runs.addObject(), result.run(name));
    }
    root.put("policy_version_before", result.versionBefore());
    root.put("policy_version_after", result.versionAfter());
    return root;
  }

  private static void put(ObjectNode node, Interval interval) {
    node.put("value", interval.value());
    node.put("low", interval.low());
    node.put("high", interval.high());
  }

  private static void put(ObjectNode node, RunOutcome run) {
    node.put("name", run.name().key());
    node.put("decision", run.decision().name());
    run.test()
        .ifPresentOrElse(
            test -> {
              node.put("upper_bound", test.upperBound());
              node.put("threshold", test.threshold());
              node.put("delta", test.delta());
              node.put("n", test.n());
            },
            () -> {
              node.putNull("upper_bound");
              node.putNull("threshold");
              node.putNull("delta");
              node.putNull("n");
            });
    if (run.certificateId().isEmpty()) {
      node.putNull("certificate_id");
    } else {
      node.put("certificate_id", run.certificateId());
    }
  }
}
