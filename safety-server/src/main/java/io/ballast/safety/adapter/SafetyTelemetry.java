package io.ballast.safety.adapter;

import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.telemetry.PhaseSpans;
import io.ballast.kit.telemetry.PhaseSpans.Phase;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.safety.core.SafetyMonitor;
import io.ballast.safety.core.canary.CanaryMonitor;
import io.ballast.safety.core.canary.CanaryState;
import io.ballast.safety.core.canary.CanaryVerdict;
import io.ballast.safety.core.canary.Observation;
import io.ballast.safety.core.cost.Cost;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.JudgedItem;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.core.safetytest.TestState;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/** What the server decides, in numbers and spans; the module's README lists the names. */
public final class SafetyTelemetry implements SafetyMonitor, CanaryMonitor {
  private final MeterRegistry meters;
  private final Tracer tracer;
  private final PhaseSpans parts;

  public SafetyTelemetry(MeterRegistry meters, OpenTelemetry telemetry, InstantSource clock) {
    this.meters = meters;
    this.tracer = telemetry.getTracer("io.ballast.safety");
    this.parts = new PhaseSpans(tracer, clock);
    countFromZero();
  }

  /** What first appears at 1 has no increase to alert on. */
  private void countFromZero() {
    Arrays.stream(TestState.values())
        .filter(TestState::ended)
        .forEach(state -> tests(label(state)));
    Arrays.stream(CanaryVerdict.values()).filter(CanaryVerdict::breach).forEach(this::rollBacks);
    for (GateStage stage : GateStage.values()) {
      Arrays.stream(GateOutcome.values()).forEach(outcome -> decisions(stage, outcome));
    }
  }

  private Counter tests(String state) {
    return meters.counter("ballast.safety.tests", "state", state);
  }

  private Counter rollBacks(CanaryVerdict verdict) {
    return meters.counter("ballast.safety.canary.roll.backs", "verdict", label(verdict));
  }

  private Counter decisions(GateStage stage, GateOutcome outcome) {
    return meters.counter(
        "ballast.safety.gate.decisions", "stage", label(stage), "outcome", label(outcome));
  }

  @Override
  public <T> T watch(String step, Supplier<T> work) {
    Span span = tracer.spanBuilder("safety." + step).startSpan();
    Timer.Sample sample = Timer.start(meters);
    try (Scope scope = span.makeCurrent()) {
      return work.get();
    } catch (RuntimeException e) {
      span.setStatus(StatusCode.ERROR, e.getClass().getSimpleName());
      throw e;
    } finally {
      var unused = sample.stop(step(step));
      span.end();
    }
  }

  private Timer step(String step) {
    return meters.timer("ballast.safety.step", "step", step);
  }

  @Override
  public void gateDecided(GateStage stage, GateOutcome outcome) {
    decisions(stage, outcome).increment();
    Span.current().setAttribute("ballast.gate_outcome", label(outcome));
  }

  @Override
  public void costsAnswered(CostAnswer answer) {
    String version = answer.model().id().version();
    for (JudgedItem item : answer.items()) {
      String outcome =
          switch (item.cost()) {
            case Cost.Estimated estimated -> item.blocked() ? "block" : "allow";
            case Cost.Missing missing -> label(missing.fault().reason());
          };
      meters.counter("ballast.safety.costs", "version", version, "outcome", outcome).increment();
    }
    PhaseTimes times = answer.times();
    List<Phase> phases =
        List.of(
            new Phase("safety.tokenise", times.tokenise()),
            new Phase("safety.queue", times.queue()),
            new Phase("safety.batch", times.batchWait()),
            new Phase("safety.infer", times.infer()));
    phases.stream()
        .filter(phase -> phase.took().isPositive())
        .forEach(phase -> step(phase.name().substring("safety.".length())).record(phase.took()));
    parts.ended(times.total(), phases);
    Span.current()
        .setAttribute("gen_ai.request.model", answer.model().id().model())
        .setAttribute("ballast.cost_version", version);
  }

  @Override
  public void testEnded(String state) {
    tests(state.toLowerCase(Locale.ROOT)).increment();
  }

  @Override
  public void canaryObserved(Observation seen) {
    meters
        .counter(
            "ballast.safety.canary.observations",
            "kind",
            seen.missing() ? "missing_cost" : label(seen.kind()),
            "arm",
            label(seen.arm()))
        .increment();
  }

  @Override
  public void canaryDecided(CanaryVerdict verdict) {
    rollBacks(verdict).increment();
  }

  @Override
  public void canaryEnded(CanaryState state) {
    meters.counter("ballast.safety.canary.ends", "state", label(state)).increment();
  }

  private static String label(Enum<?> value) {
    return value.name().toLowerCase(Locale.ROOT);
  }
}
