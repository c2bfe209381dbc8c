package io.ballast.kit.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Of the spans that ended, the last ones are kept, and no more than allowed. */
class RecentSpansTest {
  @Test
  void theOldestGoFirst() {
    try (Telemetry telemetry = started(2)) {
      List<String> traces = end(telemetry, 3);

      assertThat(telemetry.recent().keepsSome()).isTrue();
      assertThat(telemetry.recent().trace(traces.get(0))).isEmpty();
      assertThat(telemetry.recent().trace(traces.get(1))).hasSize(1);
      assertThat(telemetry.recent().trace(traces.get(2))).hasSize(1);
    }
  }

  @Test
  void noneAreKeptWhereNoneMayBe() {
    try (Telemetry telemetry = started(0)) {
      List<String> traces = end(telemetry, 1);

      assertThat(telemetry.recent().keepsSome()).isFalse();
      assertThat(telemetry.recent().trace(traces.getFirst())).isEmpty();
    }
  }

  private static Telemetry started(int recentSpans) {
    return Telemetry.start(
        new TelemetrySettings("test", Optional.empty(), 1, recentSpans, Duration.ofSeconds(1)));
  }

  /** Begins and ends traces of one span each; returns their ids. */
  private static List<String> end(Telemetry telemetry, int count) {
    List<String> traces = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Span span = telemetry.api().getTracer("test").spanBuilder("span " + i).startSpan();
      span.end();
      traces.add(span.getSpanContext().getTraceId());
    }
    return traces;
  }
}
