package io.ballast.policy.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationTimes;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.policy.core.suggest.Candidates;
import io.ballast.policy.core.suggest.SuggestMonitor;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a model generated has the names and tags of OpenTelemetry's conventions, and its times. */
class SuggestTelemetryTest {
  private static final Instant NOW = Instant.parse("2026-01-01T00:00:01Z");

  private static final Tags REQUIRED =
      Tags.of(
          "gen_ai.operation.name", "text_completion",
          "gen_ai.provider.name", "ballast",
          "gen_ai.request.model", "tiny");

  private static final PinnedVersion VERSION = new PinnedVersion("tiny", "1", "0".repeat(64));

  private static final Generation THREE =
      generation(TokenIds.of(3, 4, 5), "abc", StopReason.MAX_TOKENS);

  private static final GenerationTimes TIMES =
      new GenerationTimes(Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(40));

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private static Generation generation(TokenIds tokens, String text, StopReason reason) {
    PerToken none = PerToken.of();
    return new Generation(TokenIds.of(1, 2), tokens, text, none, none, reason);
  }

  private double millis(String name) {
    Timer timer = meters.get(name).tags(REQUIRED).timer();
    assertThat(timer.count()).isEqualTo(1);
    return timer.totalTime(TimeUnit.MILLISECONDS);
  }

  @Test
  void timesAreThoseOfTheSlowestCandidate() {
    new SuggestTelemetry(meters, OpenTelemetry.noop(), InstantSource.system())
        .generated(
            VERSION,
            new Candidates(List.of(THREE), Optional.of(new Candidates.Timed(THREE, TIMES))));

    assertThat(millis("gen_ai.server.request.duration")).isEqualTo(55);
    assertThat(millis("gen_ai.server.time_to_first_token")).isEqualTo(15);
    assertThat(millis("gen_ai.server.time_per_output_token"))
        .as("two tokens after the first")
        .isEqualTo(20);
  }

  @Test
  void theSpanOfAGenerationSaysWhatWasGeneratedAndItsPartsLieBelow() {
    Generation two = generation(TokenIds.of(6, 7), "de", StopReason.END_OF_TEXT);

    List<EndedSpan> spans =
        told(new Candidates(List.of(THREE, two), Optional.of(new Candidates.Timed(THREE, TIMES))));

    EndedSpan generate =
        spans.stream()
            .filter(span -> span.name().equals("policy.generate"))
            .findFirst()
            .orElseThrow();
    assertThat(generate.attributes())
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "gen_ai.operation.name", "text_completion",
                "gen_ai.provider.name", "ballast",
                "gen_ai.request.model", "tiny",
                "gen_ai.response.model", "tiny/1",
                "gen_ai.response.finish_reasons", "[max_tokens, end_of_text]",
                "gen_ai.usage.input_tokens", "2",
                "gen_ai.usage.output_tokens", "5"));
    List<EndedSpan> parts = spans.stream().filter(span -> !span.equals(generate)).toList();
    assertThat(parts)
        .extracting(EndedSpan::name)
        .containsExactly("policy.queue", "policy.prefill", "policy.decode");
    assertThat(parts).extracting(EndedSpan::parentSpanId).containsOnly(generate.spanId());
    assertThat(parts)
        .extracting(span -> TimeUnit.NANOSECONDS.toMillis(span.durationNanos()))
        .containsExactly(5L, 10L, 40L);
  }

  @Test
  void anEngineThatDoesNotTellItsTimesHasNoParts() {
    assertThat(told(new Candidates(List.of(THREE), Optional.empty())))
        .extracting(EndedSpan::name)
        .containsExactly("policy.generate");
    assertThat(meters.find("gen_ai.server.request.duration").timer()).isNull();
  }

  /** The spans of a phase that generated {@code candidates}, in the order of their start. */
  private List<EndedSpan> told(Candidates candidates) {
    try (Telemetry telemetry =
        Telemetry.start(
            new TelemetrySettings("test", Optional.empty(), 1, 16, Duration.ofSeconds(1)))) {
      SuggestTelemetry monitor =
          new SuggestTelemetry(meters, telemetry.api(), InstantSource.fixed(NOW));
      String trace =
          monitor.watch(
              SuggestMonitor.Phase.GENERATE,
              () -> {
                monitor.generated(VERSION, candidates);
                return Span.current().getSpanContext().getTraceId();
              });
      return telemetry.recent().trace(trace);
    }
  }
}
