package io.ballast.policy.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.GenerationTimes;
import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.api.TokenIds;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.policy.core.suggest.Candidates;
import io.micrometer.core.instrument.Tags;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The times of a model have the names and tags of OpenTelemetry's conventions. */
class SuggestTelemetryTest {
  private static final Tags REQUIRED =
      Tags.of(
          "gen_ai.operation.name", "text_completion",
          "gen_ai.provider.name", "ballast",
          "gen_ai.request.model", "tiny");

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private double millis(String name) {
    Timer timer = meters.get(name).tags(REQUIRED).timer();
    assertThat(timer.count()).isEqualTo(1);
    return timer.totalTime(TimeUnit.MILLISECONDS);
  }

  @Test
  void timesAreThoseOfTheSlowestCandidate() {
    PerToken none = PerToken.of();
    Generation three =
        new Generation(
            TokenIds.of(1, 2), TokenIds.of(3, 4, 5), "abc", none, none, StopReason.MAX_TOKENS);
    GenerationTimes times =
        new GenerationTimes(Duration.ofMillis(5), Duration.ofMillis(10), Duration.ofMillis(40));

    new SuggestTelemetry(meters, OpenTelemetry.noop(), InstantSource.system())
        .generated(
            new PinnedVersion("tiny", "1", "0".repeat(64)),
            new Candidates(List.of(three), Optional.of(new Candidates.Timed(three, times))));

    assertThat(millis("gen_ai.server.request.duration")).isEqualTo(55);
    assertThat(millis("gen_ai.server.time_to_first_token")).isEqualTo(15);
    assertThat(millis("gen_ai.server.time_per_output_token"))
        .as("two tokens after the first")
        .isEqualTo(20);
  }
}
