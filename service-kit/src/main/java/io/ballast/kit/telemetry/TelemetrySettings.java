package io.ballast.kit.telemetry;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * Where traces and metrics go.
 *
 * @param service the {@code service.name} of spans and metrics
 * @param otlpEndpoint a collector that speaks OTLP over gRPC, such as {@code
 *     http://localhost:4317}; empty: none
 * @param sampledRatio the share of traces that are kept, 0 to 1; a caller's own decision wins
 * @param recentSpans how many of the last spans the process itself keeps, ≥ 0
 * @param metricsInterval between two times that the collector is sent what the metrics are
 * @param histograms how it is sent those
 */
public record TelemetrySettings(
    String service,
    Optional<String> otlpEndpoint,
    double sampledRatio,
    int recentSpans,
    Duration metricsInterval,
    Histograms histograms) {
  private static final Duration SHORTEST_INTERVAL = Duration.ofSeconds(1);
  private static final Duration LONGEST_INTERVAL = Duration.ofHours(1);

  /** What a collector takes. */
  public enum Histograms {
    /** Of buckets that grow with the values: what Prometheus calls native. */
    EXPONENTIAL,
    /** Of fixed buckets, for collectors and what is behind them that know no others. */
    EXPLICIT
  }

  /** With exponential histograms. */
  public TelemetrySettings(
      String service,
      Optional<String> otlpEndpoint,
      double sampledRatio,
      int recentSpans,
      Duration metricsInterval) {
    this(service, otlpEndpoint, sampledRatio, recentSpans, metricsInterval, Histograms.EXPONENTIAL);
  }

  /** Checks the ranges. */
  public TelemetrySettings {
    require(
        sampledRatio >= 0 && sampledRatio <= 1,
        "ballast.telemetry.sampled-ratio",
        Double.toString(sampledRatio),
        "0 to 1");
    require(
        recentSpans >= 0, "ballast.telemetry.recent-spans", Integer.toString(recentSpans), "≥ 0");
    require(
        metricsInterval.compareTo(SHORTEST_INTERVAL) >= 0
            && metricsInterval.compareTo(LONGEST_INTERVAL) <= 0,
        "ballast.telemetry.metrics-interval",
        metricsInterval.toString(),
        SHORTEST_INTERVAL + " to " + LONGEST_INTERVAL);
    otlpEndpoint.ifPresent(
        url ->
            require(
                url.matches("https?://[^\\s/]+/?"),
                "ballast.telemetry.otlp-endpoint",
                url,
                "http://host:port"));
  }

  private static void require(boolean holds, String name, String value, String allowed) {
    if (!holds) {
      throw new MeshException(
          Fault.MALFORMED_REQUEST,
          "%s: %s (allowed: %s)".formatted(name, value, allowed),
          Map.of("field", name, "value", value, "allowed", allowed));
    }
  }
}
