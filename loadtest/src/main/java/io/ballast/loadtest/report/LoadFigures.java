package io.ballast.loadtest.report;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.loadtest.openloop.CallRecord;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.LoadScenario;
import io.ballast.loadtest.scenario.Mix;
import io.ballast.loadtest.scenario.Phase;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/**
 * What became of the calls of one load, or of several processes that shared it: all that are
 * measured, by step, by phase, and over time. Thread-safe while it counts.
 */
public final class LoadFigures implements Consumer<CallRecord> {
  private static final int DIGITS = 3;
  private static final int COARSE_DIGITS = 2;
  private static final double MOST_INTERVALS = 600;

  private final LoadScenario scenario;
  private final Mix mix;
  private final double intervalSeconds;
  private final CallStats total = new CallStats(DIGITS);
  private final List<CallStats> steps = new ArrayList<>();
  private final List<CallStats> phases = new ArrayList<>();
  private final List<CallStats> intervals = new ArrayList<>();
  private final List<List<CallStats>> intervalsBySteps = new ArrayList<>();
  private final CallStats sending = new CallStats(DIGITS);

  /** None so far. */
  public LoadFigures(LoadScenario scenario, Mix mix) {
    this.scenario = scenario;
    this.mix = mix;
    this.intervalSeconds = Math.max(1, Math.ceil(scenario.seconds() / MOST_INTERVALS));
    scenario.mix().forEach(step -> steps.add(new CallStats(DIGITS)));
    scenario.phases().forEach(phase -> phases.add(new CallStats(DIGITS)));
    for (double at = 0; at < scenario.seconds(); at += intervalSeconds) {
      intervals.add(new CallStats(COARSE_DIGITS));
      intervalsBySteps.add(
          scenario.mix().stream().map(step -> new CallStats(COARSE_DIGITS)).toList());
    }
  }

  @Override
  public synchronized void accept(CallRecord call) {
    double due = call.dueNanos() / 1e9;
    int phase = scenario.phaseAt(due);
    int interval = Math.min(intervals.size() - 1, (int) (due / intervalSeconds));
    int step = mix.stepAt(call.index());
    phases.get(phase).add(call);
    intervals.get(interval).add(call);
    intervalsBySteps.get(interval).get(step).add(call);
    if (scenario.phases().get(phase).measured()) {
      total.add(call);
      steps.get(step).add(call);
      if (call.fate().sent()) {
        sending.add(sent(call));
      }
    }
  }

  /** The same call as if being sent were all that was asked of it. */
  private static CallRecord sent(CallRecord call) {
    return new CallRecord(
        call.index(),
        call.dueNanos(),
        call.sentNanos(),
        call.sentNanos(),
        CallRecord.Fate.ANSWERED,
        "SENT",
        0);
  }

  /** Adds another process's part of the same load. */
  public synchronized void add(LoadFigures other) {
    total.add(other.total);
    sending.add(other.sending);
    addAll(steps, other.steps);
    addAll(phases, other.phases);
    addAll(intervals, other.intervals);
    for (int i = 0; i < intervalsBySteps.size(); i++) {
      addAll(intervalsBySteps.get(i), other.intervalsBySteps.get(i));
    }
  }

  private static void addAll(List<CallStats> to, List<CallStats> from) {
    for (int i = 0; i < to.size(); i++) {
      to.get(i).add(from.get(i));
    }
  }

  /** All measured calls. */
  public CallStats total() {
    return total;
  }

  /** The measured calls of a step; those of all for an empty name. */
  public CallStats of(String step) {
    for (int i = 0; i < steps.size(); i++) {
      if (scenario.mix().get(i).name().equals(step)) {
        return steps.get(i);
      }
    }
    return total;
  }

  /** The calls of each phase, measured or not. */
  public List<CallStats> phases() {
    return List.copyOf(phases);
  }

  /** The calls of each interval, by when they were meant to be sent. */
  public List<CallStats> intervals() {
    return List.copyOf(intervals);
  }

  /** How long an interval is. */
  public double intervalSeconds() {
    return intervalSeconds;
  }

  /** A percentile of how much later than meant calls were sent, in seconds; NaN if none was. */
  public double sendDelay(double percentile) {
    return sending.latency(percentile);
  }

  /** How many calls were sent in the measured time. */
  long sent() {
    return sending.answered();
  }

  /** Everything, so that {@link #read} makes the same of it. */
  public ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.set("total", total.json());
    json.set("sending", sending.json());
    ArrayNode bySteps = json.putArray("steps");
    for (int i = 0; i < steps.size(); i++) {
      CallStep step = scenario.mix().get(i);
      bySteps
          .addObject()
          .put("name", step.name())
          .put("call", step.kind().name())
          .put("weight", step.weight())
          .put("gate", step.gate().name())
          .put("with_reward", step.withReward())
          .put("with_cost", step.withCost())
          .put("items", step.items())
          .put("read_every_seconds", step.readEvery().toNanos() / 1e9)
          .setAll(steps.get(i).json());
    }
    ArrayNode byPhases = json.putArray("phases");
    double begin = 0;
    for (int i = 0; i < phases.size(); i++) {
      Phase phase = scenario.phases().get(i);
      byPhases
          .addObject()
          .put("name", phase.name())
          .put("shape", phase.shape().name())
          .put("begin_seconds", begin)
          .put("duration_seconds", phase.seconds())
          .put("rate_per_second", phase.rate())
          .put("peak_per_second", phase.peak())
          .put("measured", phase.measured())
          .setAll(phases.get(i).json());
      begin += phase.seconds();
    }
    json.put("interval_seconds", intervalSeconds);
    ArrayNode byIntervals = json.putArray("intervals");
    for (int i = 0; i < intervals.size(); i++) {
      double at = i * intervalSeconds;
      ObjectNode each =
          byIntervals
              .addObject()
              .put("begin_seconds", at)
              .put("measured", scenario.phases().get(scenario.phaseAt(at)).measured())
              .put("good_count", good(intervalsBySteps.get(i)));
      each.setAll(intervals.get(i).json());
      ArrayNode ofInterval = each.putArray("steps");
      intervalsBySteps.get(i).forEach(step -> ofInterval.add(step.json()));
    }
    return json;
  }

  /** Answers as asked that came while they were good for something. */
  private long good(List<CallStats> bySteps) {
    long good = 0;
    for (int i = 0; i < bySteps.size(); i++) {
      good += bySteps.get(i).goodWithin(scenario.goodWithin(scenario.mix().get(i).name()));
    }
    return good;
  }

  /**
   * Adds what {@link #json} wrote of a part of the same load.
   *
   * @throws IllegalArgumentException if it is of another load
   */
  public synchronized void read(JsonNode json) {
    total.add(CallStats.of(json.path("total")));
    sending.add(CallStats.of(json.path("sending")));
    readAll(steps, json, "steps");
    readAll(phases, json, "phases");
    readAll(intervals, json, "intervals");
    for (int i = 0; i < intervalsBySteps.size(); i++) {
      readAll(intervalsBySteps.get(i), json.path("intervals").get(i), "steps");
    }
  }

  private static void readAll(List<CallStats> to, JsonNode json, String key) {
    JsonNode all = json.path(key);
    if (all.size() != to.size()) {
      throw new IllegalArgumentException(
          "%s: %d (expected: %d, as the scenario has)".formatted(key, all.size(), to.size()));
    }
    for (int i = 0; i < to.size(); i++) {
      to.get(i).add(CallStats.of(all.get(i)));
    }
  }
}
