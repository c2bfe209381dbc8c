package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.inference.scoring.OnBehalf;
import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Truncation;
import io.ballast.kit.call.VersionSelector;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.reward.core.AggregationChoice;
import io.ballast.reward.core.RewardScorer;
import io.ballast.reward.core.ScoreAnswer;
import io.ballast.reward.core.ScoreCommand;
import io.ballast.reward.core.ScoredBy;
import io.ballast.testing.TracedCall;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Where the time of a Score went is in its trace and in the metrics, phase by phase. */
class ScoreTelemetryTest {
  private static final ScoreCommand COMMAND =
      new ScoreCommand(
          OnBehalf.MESH,
          Lane.INTERACTIVE,
          VersionSelector.version("java-reward", "1"),
          AggregationChoice.unspecified(),
          Truncation.REFUSE,
          false,
          List.of());

  private final MeterRegistry meters = new SimpleMeterRegistry();

  @Test
  void eachPhaseIsASpanBelowTheCallAndATimer() {
    // queue, batch, tokenise, infer, aggregate, all
    List<EndedSpan> spans = told(times(4, 3, 2, 20, 1, 30));

    assertThat(spans)
        .extracting(EndedSpan::name)
        .containsExactly(
            "call",
            "reward.tokenise",
            "reward.queue",
            "reward.batch",
            "reward.infer",
            "reward.aggregate");
    EndedSpan call = spans.getFirst();
    assertThat(call.attributes())
        .containsEntry("gen_ai.request.model", "java-reward")
        .containsEntry("ballast.reward_version", "1");
    assertThat(spans.subList(1, spans.size()))
        .extracting(EndedSpan::parentSpanId)
        .containsOnly(call.spanId());
    assertThat(spans.subList(1, spans.size()))
        .extracting(span -> TimeUnit.NANOSECONDS.toMillis(span.durationNanos()))
        .containsExactly(2L, 4L, 3L, 20L, 1L);
    assertThat(phaseMillis("tokenise")).isEqualTo(2);
    assertThat(phaseMillis("queue")).isEqualTo(4);
    assertThat(phaseMillis("batch")).isEqualTo(3);
    assertThat(phaseMillis("infer")).isEqualTo(20);
    assertThat(phaseMillis("aggregate")).isEqualTo(1);
  }

  @Test
  void scoresThatWereKnownAskedNoModel() {
    assertThat(told(times(0, 0, 2, 0, 1, 3)))
        .extracting(EndedSpan::name)
        .containsExactly("call", "reward.tokenise", "reward.aggregate");
    assertThat(meters.find("ballast.reward.phase").tag("phase", "infer").timer()).isNull();
  }

  private static PhaseTimes times(
      long queue, long batch, long tokenise, long infer, long aggregate, long total) {
    return new PhaseTimes(
        Duration.ofMillis(queue),
        Duration.ofMillis(batch),
        Duration.ofMillis(tokenise),
        Duration.ofMillis(infer),
        Duration.ofMillis(aggregate),
        Duration.ofMillis(total));
  }

  /** The spans of a call that was answered so, the call's own first. */
  private List<EndedSpan> told(PhaseTimes times) {
    return TracedCall.spans(
        (telemetry, clock) -> {
          var unused =
              new ScoreTelemetry(new Answering(times), meters, telemetry, clock)
                  .score(COMMAND, CallPatience.endless());
        });
  }

  private double phaseMillis(String phase) {
    return meters
        .get("ballast.reward.phase")
        .tag("phase", phase)
        .timer()
        .totalTime(TimeUnit.MILLISECONDS);
  }

  /** Answers without items, and says that it took so long. */
  private record Answering(PhaseTimes times) implements RewardScorer {
    @Override
    public ScoreAnswer score(ScoreCommand command, CallPatience patience) {
      return new ScoreAnswer(
          List.of(),
          new ScoredBy.Composite(
              new PinnedVersion("java-reward", "1", "a".repeat(64)), OptionalDouble.empty()),
          times);
    }

    @Override
    public int maxItems() {
      return 1;
    }
  }
}
