package io.ballast.kit.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.telemetry.PhaseSpans.Phase;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Scope;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Phases that were measured lie one after the other below the span of their call. */
class PhaseSpansTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:01Z");

  @Test
  void phasesFollowEachOtherAndEndWithTheirCall() {
    try (Telemetry telemetry = started(1)) {
      List<EndedSpan> spans =
          write(telemetry, Duration.ofMillis(40), phase("queue", 10), phase("infer", 25));

      assertThat(spans).extracting(EndedSpan::name).containsExactly("queue", "infer");
      assertThat(spans).extracting(PhaseSpansTest::startMillis).containsExactly(-40L, -30L);
      assertThat(spans)
          .extracting(span -> TimeUnit.NANOSECONDS.toMillis(span.durationNanos()))
          .containsExactly(10L, 25L);
    }
  }

  @Test
  void whatDidNotHappenHasNoSpan() {
    try (Telemetry telemetry = started(1)) {
      assertThat(write(telemetry, Duration.ofMillis(5), phase("queue", 0), phase("infer", 5)))
          .extracting(EndedSpan::name)
          .containsExactly("infer");
    }
  }

  @Test
  void phasesThatOverlapDoNotOutlastTheirCall() {
    try (Telemetry telemetry = started(1)) {
      List<EndedSpan> spans =
          write(
              telemetry,
              Duration.ofMillis(30),
              phase("queue", 20),
              phase("infer", 20),
              phase("aggregate", 1));

      assertThat(spans).extracting(EndedSpan::name).containsExactly("queue", "infer");
      assertThat(spans.getLast().durationNanos()).isEqualTo(10_000_000);
    }
  }

  @Test
  void aTraceThatIsNotKeptHasNone() {
    try (Telemetry telemetry = started(0)) {
      assertThat(write(telemetry, Duration.ofMillis(5), phase("infer", 5))).isEmpty();
    }
  }

  private static Telemetry started(double sampledRatio) {
    return Telemetry.start(
        new TelemetrySettings("test", Optional.empty(), sampledRatio, 16, Duration.ofSeconds(1)));
  }

  private static Phase phase(String name, long millis) {
    return new Phase(name, Duration.ofMillis(millis));
  }

  private static List<EndedSpan> write(Telemetry telemetry, Duration total, Phase... phases) {
    Tracer tracer = telemetry.api().getTracer("test");
    Span call = tracer.spanBuilder("call").startSpan();
    try (Scope scope = call.makeCurrent()) {
      new PhaseSpans(tracer, InstantSource.fixed(NOW)).ended(total, List.of(phases));
    }
    return telemetry.recent().trace(call.getSpanContext().getTraceId());
  }

  private static long startMillis(EndedSpan span) {
    return TimeUnit.NANOSECONDS.toMillis(span.startEpochNanos()) - NOW.toEpochMilli();
  }
}
