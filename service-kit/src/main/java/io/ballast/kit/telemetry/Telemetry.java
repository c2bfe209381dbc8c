package io.ballast.kit.telemetry;

import io.ballast.kit.telemetry.TelemetrySettings.Histograms;
import io.micrometer.core.instrument.MeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.instrumentation.micrometer.v1_5.OpenTelemetryMeterRegistry;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.metrics.Aggregation;
import io.opentelemetry.sdk.metrics.InstrumentType;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.SdkMeterProviderBuilder;
import io.opentelemetry.sdk.metrics.export.DefaultAggregationSelector;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.MetricReader;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SdkTracerProviderBuilder;
import io.opentelemetry.sdk.trace.SpanProcessor;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import io.opentelemetry.sdk.trace.samplers.Sampler;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;

/**
 * A process's traces and metrics: W3C headers between processes, the last spans kept here, all of
 * them and what the metrics are, time after time, sent to a collector if there is one. A collector
 * that is away costs spans and points in time, and nothing else.
 */
public final class Telemetry implements AutoCloseable {
  private static final Duration EXPORT_PATIENCE = Duration.ofSeconds(5);
  private static final Duration FLUSH_PATIENCE = Duration.ofSeconds(2);

  private final OpenTelemetrySdk sdk;
  private final RecentSpans recent;
  private final Optional<MeterRegistry> metrics;

  private Telemetry(OpenTelemetrySdk sdk, RecentSpans recent, Optional<MeterRegistry> metrics) {
    this.sdk = sdk;
    this.recent = recent;
    this.metrics = metrics;
  }

  /** Starts to trace, and to send metrics. */
  public static Telemetry start(TelemetrySettings settings) {
    Resource process =
        Resource.create(
            Attributes.of(
                AttributeKey.stringKey("service.name"),
                settings.service(),
                AttributeKey.stringKey("service.instance.id"), // replicas are told apart by it
                UUID.randomUUID().toString()));
    RecentSpans recent = new RecentSpans(settings.recentSpans());
    SdkTracerProviderBuilder tracers =
        SdkTracerProvider.builder()
            .setResource(process)
            .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(settings.sampledRatio())))
            .addSpanProcessor(recent);
    SdkMeterProviderBuilder meters = SdkMeterProvider.builder().setResource(process);
    settings
        .otlpEndpoint()
        .ifPresent(
            url -> {
              tracers.addSpanProcessor(spans(url));
              meters.registerMetricReader(metrics(url, settings));
            });
    OpenTelemetrySdk sdk =
        OpenTelemetrySdk.builder()
            .setTracerProvider(tracers.build())
            .setMeterProvider(meters.build())
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build();
    return new Telemetry(sdk, recent, settings.otlpEndpoint().map(_ -> registry(sdk)));
  }

  private static SpanProcessor spans(String url) {
    SpanExporter exporter = OtlpGrpcSpanExporter.builder().setEndpoint(url).build();
    return BatchSpanProcessor.builder(
            new SpansToCollector(exporter, new CollectorNews(url, "traces")))
        .build();
  }

  private static MetricReader metrics(String url, TelemetrySettings settings) {
    MetricExporter exporter =
        OtlpGrpcMetricExporter.builder()
            .setEndpoint(url)
            .setTimeout(EXPORT_PATIENCE)
            .setRetryPolicy(null) // the next interval has newer numbers
            .setDefaultAggregationSelector(aggregations(settings.histograms()))
            .build();
    return PeriodicMetricReader.builder(
            new MetricsToCollector(exporter, new CollectorNews(url, "metrics")))
        .setInterval(settings.metricsInterval())
        .build();
  }

  private static DefaultAggregationSelector aggregations(Histograms histograms) {
    DefaultAggregationSelector usual = DefaultAggregationSelector.getDefault();
    return switch (histograms) {
      case EXPONENTIAL ->
          usual.with(InstrumentType.HISTOGRAM, Aggregation.base2ExponentialBucketHistogram());
      case EXPLICIT -> usual;
    };
  }

  private static MeterRegistry registry(OpenTelemetry sdk) {
    MeterRegistry registry =
        OpenTelemetryMeterRegistry.builder(sdk).setBaseTimeUnit(TimeUnit.SECONDS).build();
    registry.config().meterFilter(new RpcNames());
    return registry;
  }

  /** What servers trace with. */
  public OpenTelemetry api() {
    return sdk;
  }

  /** The last spans of this process. */
  public RecentSpans recent() {
    return recent;
  }

  /** A registry whose meters the collector is sent; empty without a collector. */
  public Optional<MeterRegistry> metrics() {
    return metrics;
  }

  /** Sends what there is by now, as far as the collector takes it within a moment. */
  public void flush() {
    var unused =
        CompletableResultCode.ofAll(
                List.of(
                    sdk.getSdkTracerProvider().forceFlush(),
                    sdk.getSdkMeterProvider().forceFlush()))
            .join(FLUSH_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
  }

  /** Sends what is left to the collector. */
  @Override
  public void close() {
    CompletableResultCode closed = new CompletableResultCode();
    Thread.startVirtualThread( // the library waits for the last metrics within the call
        () -> {
          var unused = sdk.shutdown().whenComplete(closed::succeed);
        });
    var unused = closed.join(EXPORT_PATIENCE.toMillis(), TimeUnit.MILLISECONDS);
    metrics.ifPresent(MeterRegistry::close);
  }
}
