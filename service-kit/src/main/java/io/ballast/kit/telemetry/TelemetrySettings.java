package io.ballast.kit.telemetry;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.Optional;

/**
 * Where traces go.
 *
 * @param service the {@code service.name} of the spans
 * @param otlpEndpoint a collector that speaks OTLP over gRPC, such as {@code
 *     http://localhost:4317}; empty: none
 * @param sampledRatio the share of traces that are kept, 0 to 1; a caller's own decision wins
 * @param recentSpans how many of the last spans the process itself keeps, ≥ 0
 */
public record TelemetrySettings(
    String service, Optional<String> otlpEndpoint, double sampledRatio, int recentSpans) {
  /** Checks the ranges. */
  public TelemetrySettings {
    require(
        sampledRatio >= 0 && sampledRatio <= 1,
        "ballast.telemetry.sampled-ratio",
        Double.toString(sampledRatio),
        "0 to 1");
    require(
        recentSpans >= 0, "ballast.telemetry.recent-spans", Integer.toString(recentSpans), "≥ 0");
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
