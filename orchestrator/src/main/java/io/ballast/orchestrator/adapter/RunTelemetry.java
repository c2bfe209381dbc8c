package io.ballast.orchestrator.adapter;

import io.ballast.orchestrator.core.measure.MeasuredReading;
import io.ballast.orchestrator.core.run.ConstraintReading;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunMonitor;
import io.ballast.orchestrator.core.watch.GoldReading;
import io.ballast.orchestrator.core.watch.RunAlarm;
import io.ballast.rl.stats.AlarmKind;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Meter;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
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
  private final Map<String, IterationMetrics> latest = new ConcurrentHashMap<>();
  private final Map<String, List<Meter>> gauges = new ConcurrentHashMap<>();

  public RunTelemetry(MeterRegistry meters, OpenTelemetry telemetry) {
    this.meters = meters;
    this.tracer = telemetry.getTracer("io.ballast.orchestrator");
  }

  @Override
  public <T> T watch(Run run, Phase phase, Supplier<T> work) {
    String label = phase.name().toLowerCase(Locale.ROOT);
    Span span =
        tracer
            .spanBuilder("run." + label)
            .setAttribute("ballast.run_id", run.runId())
            .setAttribute("ballast.run", run.name())
            .setAttribute("ballast.iteration", run.progress().iterationsDone() + 1)
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
  public void iterated(Run run, IterationMetrics metrics) {
    latest.put(run.runId(), metrics);
    var unused = gauges.computeIfAbsent(run.runId(), id -> register(run));
    if (metrics.watch().gold() instanceof GoldReading.Failed failed) {
      LOG.warn(
          "run {} iteration {}: gold could not be read: {}: {}",
          run.name(),
          metrics.iteration(),
          failed.reason(),
          failed.message());
    }
    metrics.measured().forEach(reading -> measured(run, metrics, reading));
    LOG.info(
        "run {} iteration {}/{}: reward {}, spread {}, gold {}, cost {}, λ {}, kl {}, gap {}, {} samples",
        run.name(),
        metrics.iteration(),
        run.iterationsCount(),
        shown(metrics.meanReward()),
        metrics.meanSpread().isPresent() ? shown(metrics.meanSpread().getAsDouble()) : "-",
        goldWords(metrics),
        shown(metrics.meanCost()),
        metrics.lambda() == null ? "-" : shown(metrics.lambda()),
        shown(metrics.klNats()),
        shown(metrics.trainServeGapNats()),
        metrics.samplesCount());
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
    meters
        .counter(
            "ballast.run.alarms",
            "kind",
            alarm.alarm().kind().name(),
            "action",
            alarm.action().name())
        .increment();
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
    latest.remove(run.runId());
    List<Meter> registered = gauges.remove(run.runId());
    if (registered != null) {
      registered.forEach(meters::remove);
    }
    meters.counter("ballast.run.left", "state", run.state().name()).increment();
    LOG.info("run {} ({}): {} {}", run.runId(), run.name(), run.state(), run.progress().message());
  }

  private List<Meter> register(Run run) {
    List<Meter> registered = new ArrayList<>();
    registered.add(gauge(run, "ballast.run.iteration", IterationMetrics::iteration));
    registered.add(gauge(run, "ballast.run.reward", IterationMetrics::meanReward));
    registered.add(gauge(run, "ballast.run.spread", RunTelemetry::spread));
    registered.add(gauge(run, "ballast.run.gold", RunTelemetry::gold));
    registered.add(gauge(run, "ballast.run.gold.gap", RunTelemetry::gap));
    registered.add(gauge(run, "ballast.run.kl", IterationMetrics::klNats));
    registered.add(gauge(run, "ballast.run.cost", IterationMetrics::meanCost));
    registered.add(gauge(run, "ballast.run.lambda", RunTelemetry::lambda));
    registered.add(gauge(run, "ballast.run.lambda.at.cap", RunTelemetry::atCap));
    registered.add(gauge(run, "ballast.run.train.serve.gap", IterationMetrics::trainServeGapNats));
    registered.add(gauge(run, "ballast.run.dropped", IterationMetrics::droppedCount));
    return registered;
  }

  private static double spread(IterationMetrics metrics) {
    return metrics.meanSpread().orElse(Double.NaN);
  }

  private static double lambda(IterationMetrics metrics) {
    Double lambda = metrics.lambda();
    return lambda == null ? Double.NaN : lambda;
  }

  /** How many constraints have their price at its cap. */
  private static double atCap(IterationMetrics metrics) {
    return metrics.constraints().stream().filter(ConstraintReading::atCap).count();
  }

  private static double gold(IterationMetrics metrics) {
    return metrics.watch().gold() instanceof GoldReading.Measured measured
        ? measured.gold()
        : Double.NaN;
  }

  private static double gap(IterationMetrics metrics) {
    Double gap = metrics.watch().gap();
    return gap == null ? Double.NaN : gap;
  }

  private static String goldWords(IterationMetrics metrics) {
    return switch (metrics.watch().gold()) {
      case null -> "-";
      case GoldReading.Measured measured -> shown(measured.gold());
      case GoldReading.Failed failed -> failed.reason();
    };
  }

  private Gauge gauge(Run run, String name, ToDoubleFunction<IterationMetrics> number) {
    String id = run.runId();
    return Gauge.builder(
            name,
            latest,
            all -> {
              IterationMetrics metrics = all.get(id);
              return metrics == null ? Double.NaN : number.applyAsDouble(metrics);
            })
        .tag("run", run.name())
        .tag("run_id", id)
        .register(meters);
  }

  private static String shown(double number) {
    return String.format(Locale.ROOT, "%.4f", number);
  }
}
