package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.scenario.LoadScenario;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A load and what is to be said of it.
 *
 * @param target where the mesh was
 * @param processes how many shared the load
 * @param checks what had to hold
 * @param faults what was done to the mesh
 * @param memory of the server; null: nobody looked
 */
public record LoadReport(
    LoadScenario scenario,
    String target,
    int processes,
    LoadFigures figures,
    GeneratorCheck generator,
    List<Check> checks,
    List<FaultResult> faults,
    @Nullable MemoryTrend memory) {
  /** Of a load. */
  public enum Verdict {
    /** Everything that was asked for held. */
    PASS,
    /** Something did not. */
    FAIL,
    /** The generator did not keep up: nothing can be said of the mesh. */
    INVALID
  }

  /** Copies the lists. */
  public LoadReport {
    checks = List.copyOf(checks);
    faults = List.copyOf(faults);
  }

  /** What is to be said of it. */
  public Verdict verdict() {
    if (generator.flaw().isPresent()) {
      return Verdict.INVALID;
    }
    boolean holds =
        checks.stream().allMatch(Check::holds)
            && faults.stream().allMatch(fault -> fault.exitCode() == 0);
    return holds ? Verdict.PASS : Verdict.FAIL;
  }

  /** Why it is not a PASS, a sentence each; of an INVALID load the generator's alone. */
  public List<String> reasons() {
    List<String> reasons = new ArrayList<>();
    generator.flaw().ifPresent(reasons::add);
    if (!reasons.isEmpty()) {
      return reasons;
    }
    for (Check check : checks) {
      if (!check.holds()) {
        reasons.add(check.words() + ": " + check.seen());
      }
    }
    for (FaultResult fault : faults) {
      if (fault.exitCode() != 0) {
        reasons.add("fault %s ended with code %d".formatted(fault.name(), fault.exitCode()));
      }
    }
    return reasons;
  }

  /** Answers as asked, a second of the measured time. */
  public double answeredPerSecond() {
    return figures.total().answered() / scenario.measuredSeconds();
  }

  /** Those of them that came while they were good for something: goodput. */
  public double goodPerSecond() {
    return scenario.mix().stream()
            .mapToLong(step -> figures.of(step.name()).goodWithin(scenario.goodWithin(step.name())))
            .sum()
        / scenario.measuredSeconds();
  }

  /** For machines. An INVALID load has no figures. */
  public ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("scenario", scenario.name());
    json.put("verdict", verdict().name());
    json.put("pass", verdict() == Verdict.PASS);
    ArrayNode why = json.putArray("reasons");
    reasons().forEach(why::add);
    json.put("target", target);
    json.put("processes", processes);
    json.put("seed", scenario.seed());
    json.put("arrivals", scenario.spread().name());
    json.put("measured_seconds", scenario.measuredSeconds());
    json.set("generator", generator.json());
    ArrayNode done = json.putArray("faults");
    for (FaultResult fault : faults) {
      done.addObject()
          .put("name", fault.name())
          .put("command", fault.command())
          .put("at_seconds", fault.atSeconds())
          .put("duration_seconds", fault.seconds())
          .put("exit_code", fault.exitCode())
          .put("output", fault.output());
    }
    if (verdict() == Verdict.INVALID) {
      json.putNull("figures");
      return json;
    }
    ArrayNode held = json.putArray("checks");
    for (Check check : checks) {
      ObjectNode each = held.addObject().put("check", check.words());
      finite(each, "value", check.value());
      each.put("unit", check.unit()).put("holds", check.holds());
    }
    json.put("answered_per_second", answeredPerSecond());
    json.put("good_per_second", goodPerSecond());
    if (memory != null) {
      json.set("memory", memory.json());
    }
    json.set("figures", figures.json());
    return json;
  }

  private static void finite(ObjectNode json, String key, double value) {
    if (Double.isFinite(value)) {
      json.put(key, value);
    } else {
      json.putNull(key);
    }
  }
}
