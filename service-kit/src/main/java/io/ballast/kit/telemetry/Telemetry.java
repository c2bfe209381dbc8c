package io.ballast.kit.telemetry;

import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.propagation.ContextPropagators;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SdkTracerProviderBuilder;
import io.opentelemetry.sdk.trace.export.BatchSpanProcessor;
import io.opentelemetry.sdk.trace.samplers.Sampler;

/**
 * A process's traces: W3C headers between processes, the last spans kept here, all of them sent to
 * a collector if there is one. A collector that is away costs spans and nothing else.
 */
public final class Telemetry implements AutoCloseable {
  private final OpenTelemetrySdk sdk;
  private final RecentSpans recent;

  private Telemetry(OpenTelemetrySdk sdk, RecentSpans recent) {
    this.sdk = sdk;
    this.recent = recent;
  }

  /** Starts to trace. */
  public static Telemetry start(TelemetrySettings settings) {
    RecentSpans recent = new RecentSpans(settings.recentSpans());
    SdkTracerProviderBuilder tracers =
        SdkTracerProvider.builder()
            .setResource(
                Resource.create(
                    Attributes.of(AttributeKey.stringKey("service.name"), settings.service())))
            .setSampler(Sampler.parentBased(Sampler.traceIdRatioBased(settings.sampledRatio())))
            .addSpanProcessor(recent);
    settings
        .otlpEndpoint()
        .ifPresent(
            url ->
                tracers.addSpanProcessor(
                    BatchSpanProcessor.builder(
                            OtlpGrpcSpanExporter.builder().setEndpoint(url).build())
                        .build()));
    return new Telemetry(
        OpenTelemetrySdk.builder()
            .setTracerProvider(tracers.build())
            .setPropagators(ContextPropagators.create(W3CTraceContextPropagator.getInstance()))
            .build(),
        recent);
  }

  /** What servers trace with. */
  public OpenTelemetry api() {
    return sdk;
  }

  /** The last spans of this process. */
  public RecentSpans recent() {
    return recent;
  }

  /** Sends what is left to the collector. */
  @Override
  public void close() {
    sdk.close();
  }
}
