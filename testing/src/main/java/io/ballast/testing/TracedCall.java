package io.ballast.testing;

import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.function.BiConsumer;

/** A call of a second whose trace is kept. */
public final class TracedCall {
  private static final Instant END = Instant.parse("2026-01-01T00:00:01Z");

  private TracedCall() {}

  /**
   * Has a call do {@code work}, at its end.
   *
   * @param work is given what to trace with, and the time
   * @return its spans in the order of their start; the call's own is named {@code call}
   */
  public static List<EndedSpan> spans(BiConsumer<OpenTelemetry, InstantSource> work) {
    try (Telemetry telemetry =
        Telemetry.start(
            new TelemetrySettings("test", Optional.empty(), 1, 16, Duration.ofSeconds(1)))) {
      Span call =
          telemetry
              .api()
              .getTracer("test")
              .spanBuilder("call")
              .setStartTimestamp(END.minusSeconds(1))
              .startSpan();
      try (Scope scope = call.makeCurrent()) {
        work.accept(telemetry.api(), InstantSource.fixed(END));
      }
      call.end(END);
      return telemetry.recent().trace(call.getSpanContext().getTraceId());
    }
  }
}
