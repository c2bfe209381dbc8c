package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.measure.EvaluationReading;
import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunMonitor;
import io.ballast.orchestrator.core.run.UpdateOutcome;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.RunAlarm;
import io.ballast.rl.stats.AlarmKind;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs in numbers, spans and log lines; the module's README lists the names. The gauges of a run
 * are there while a worker has it.
 */
public final class RunTelemetry implements RunMonitor {
  private static final Logger LOG = LoggerFactory.getLogger(RunTelemetry.class);

  private final MeterRegistry meters;
  private final Tracer tracer;
  private final RunGauges gauges;

  // there from the start, at 0: what first appears at 1 has no increase to alert on
  private final Counter withoutSignal;
  private final Counter notFinite;
  private final Counter laterNotFinite;

  public RunTelemetry(MeterRegistry meters, OpenTelemetry telemetry) {
    this.meters = meters;
    this.gauges = new RunGauges(meters);
    this.withoutSignal = skipped(meters, UpdateOutcome.NO_SIGNAL, "first");
    this.notFinite = skipped(meters, UpdateOutcome.NOT_FINITE, "first");
    this.laterNotFinite = skipped(meters, UpdateOutcome.NOT_FINITE, "later");
    this.tracer = telemetry.getTracer("io.ballast.orchestrator");
    for (AlarmKind kind : AlarmKind.values()) {
      Arrays.stream(WatchAction.values()).forEach(action -> alarms(kind, action));
    }
  }

  private Counter alarms(AlarmKind kind, WatchAction action) {
    return meters.counter("ballast.run.alarms", "kind", kind.name(), "action", action.name());
  }

  private static Counter skipped(MeterRegistry meters, UpdateOutcome outcome, String which) {
    return meters.counter("ballast.run.updates.skipped", "outcome", outcome.name(), "which", which);
  }

  @Override
  public <T> T watch(Run run, Phase phase, int iteration, Supplier<T> work) {
    String label = phase.name().toLowerCase(Locale.ROOT);
    Span span =
        tracer
            .spanBuilder("run." + label)
            .setAttribute("ballast.run_id", run.runId())
            .setAttribute("ballast.run", run.name())
            .setAttribute("ballast.iteration", iteration)
            .startSpan();
    Timer.Sample sample = Timer.start(meters);
    try (Scope scope = span.makeCurrent()) {
      return work.get();
    } catch (RuntimeException e) {
      span.setStatus(StatusCode.ERROR, e.getClass().getSimpleName());
      throw e;
    } finally {
      var unused = sample.stop(meters.timer("ballast.run.phase", "phase", label));
      span.end();
    }
  }

  @Override
  public void learnsFrom(Run run, List<ReadSource> sources) {
    for (ReadSource source : gauges.show(run, sources)) {
      LOG.warn(
          "run {} ({}) learns from {} prompts of {} without {}",
          run.runId(),
          run.name(),
          source.count(),
          source.name(),
          source.badRows());
    }
  }

  @Override
  public void judged(Run run, int iteration, JudgedRollout judged) {
    if (judged.firstFailure().isEmpty()) {
      return;
    }
    LOG.warn(
        "run {} iteration {}: {} completions dropped, {} learned from without a reward, which is only shown; the first: {}",
        run.name(),
        iteration,
        judged.droppedCount(),
        judged.unrewardedCount(),
        judged.firstFailure());
  }

  @Override
  public void updated(Run run, LearningMetrics learning) {
    switch (learning.outcome()) {
      case NO_SIGNAL -> withoutSignal.increment();
      case NOT_FINITE -> {
        notFinite.increment();
        warn(run, "update skipped: not finite: " + learning.message());
      }
      case UPDATED -> {
        if (learning.leftLaterOut()) {
          laterNotFinite.increment();
          warn(run, learning.message());
        }
      }
      case UNRECORDED -> {}
    }
  }

  private static void warn(Run run, String what) {
    LOG.warn(
        "run {} ({}) iteration {}: {}",
        run.runId(),
        run.name(),
        run.progress().iterationsDone() + 1,
        what);
  }

  @Override
  public void iterated(Run run, IterationMetrics metrics) {
    gauges.show(run, metrics);
    if (metrics.watch().gold() instanceof GoldReading.Failed failed) {
      LOG.warn(
          "run {} iteration {}: gold could not be read: {}: {}",
          run.name(),
          metrics.iteration(),
          failed.reason(),
          failed.message());
    }
    metrics.measured().forEach(reading -> measured(run, metrics, reading));
    evaluated(run, metrics);
    LOG.info(
        "run {} iteration {}/{}: reward {}, spread {}, gold {}, cost {}, λ {}, kl {}, gap {}, {} samples",
        run.name(),
        metrics.iteration(),
        run.iterationsCount(),
        shown(metrics.meanReward()),
        shown(metrics.meanSpread()),
        goldWords(metrics),
        shown(metrics.meanCost()),
        metrics.lambda() == null ? "-" : shown(metrics.lambda()),
        shown(metrics.klNats()),
        shown(metrics.trainServeGapNats()),
        metrics.samplesCount());
  }

  private static void evaluated(Run run, IterationMetrics metrics) {
    switch (metrics.evaluation()) {
      case null -> {}
      case EvaluationReading.Measured measured ->
          LOG.info(
              "run {} iteration {}: evaluation {} [{}, {}], n = {}",
              run.name(),
              metrics.iteration(),
              shown(measured.mean()),
              shown(measured.low()),
              shown(measured.high()),
              measured.unitsCount());
      case EvaluationReading.Failed failed ->
          LOG.warn(
              "run {} iteration {}: no evaluation: {}: {}",
              run.name(),
              metrics.iteration(),
              failed.reason(),
              failed.message());
    }
  }

  private static void measured(Run run, IterationMetrics metrics, MeasuredReading reading) {
    switch (reading) {
      case MeasuredReading.Measured(
              String name,
              double harm,
              double unusedStd,
              double cost,
              int count,
              int unusedFailed) ->
          LOG.info(
              "run {} iteration {}: {}: harm {} where the cost in training is {}, {} completions",
              run.name(),
              metrics.iteration(),
              name,
              shown(harm),
              shown(cost),
              count);
      case MeasuredReading.Failed(String name, String reason, String message) ->
          LOG.warn(
              "run {} iteration {}: {} could not be measured: {}: {}",
              run.name(),
              metrics.iteration(),
              name,
              reason,
              message);
    }
  }

  @Override
  public void alarmed(Run run, RunAlarm alarm) {
    alarms(alarm.alarm().kind(), alarm.action()).increment();
    LOG.warn(
        "run {} ({}): {}: {}; {}",
        run.runId(),
        run.name(),
        alarm.alarm().kind() == AlarmKind.LAMBDA_AT_CAP
            ? "more harm would cost no more"
            : "its rewards can no longer be believed",
        alarm.words(),
        switch (alarm.action()) {
          case RECORD -> "recorded";
          case STOP -> "learning ends";
          case REFUSE_PROMOTION -> "its candidate will wait for a person";
        });
  }

  @Override
  public void left(Run run) {
    gauges.remove(run.runId());
    meters.counter("ballast.run.left", "state", run.state().name()).increment();
    LOG.info("run {} ({}): {} {}", run.runId(), run.name(), run.state(), run.progress().message());
  }

  private static String goldWords(IterationMetrics metrics) {
    return switch (metrics.watch().gold()) {
      case null -> "-";
      case GoldReading.Measured measured -> shown(measured.gold());
      case GoldReading.Failed failed -> failed.reason();
    };
  }

  private static String shown(OptionalDouble number) {
    return number.isPresent() ? shown(number.getAsDouble()) : "-";
  }

  private static String shown(double number) {
    return String.format(Locale.ROOT, "%.4f", number);
  }
}
