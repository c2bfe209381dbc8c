package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.orchestrator.core.rollout.JudgedRollout;
import io.ballast.orchestrator.core.run.LearningMetrics;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunMonitor.Phase;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.core.run.UpdateOutcome;
import io.ballast.orchestrator.core.spec.WatchAction;
import io.ballast.rl.stats.AlarmKind;
import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.context.Context;
import io.opentelemetry.sdk.OpenTelemetrySdk;
import io.opentelemetry.sdk.trace.ReadWriteSpan;
import io.opentelemetry.sdk.trace.ReadableSpan;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.SpanProcessor;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;

/** What runs do as spans, counters and log lines. */
class RunTelemetryTest {
  private static final AttributeKey<Long> ITERATION = AttributeKey.longKey("ballast.iteration");

  private final List<ReadableSpan> spans = new ArrayList<>();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final RunTelemetry telemetry =
      new RunTelemetry(
          meters,
          OpenTelemetrySdk.builder()
              .setTracerProvider(SdkTracerProvider.builder().addSpanProcessor(new Kept()).build())
              .build());

  /** Keeps spans that have ended. */
  private final class Kept implements SpanProcessor {
    @Override
    public void onStart(Context parent, ReadWriteSpan span) {}

    @Override
    public boolean isStartRequired() {
      return false;
    }

    @Override
    public void onEnd(ReadableSpan span) {
      spans.add(span);
    }

    @Override
    public boolean isEndRequired() {
      return true;
    }
  }

  private static Run run() {
    return new Run(
        "0c7f0000-0000-4000-8000-000000000002",
        "default",
        "tidy",
        "name: tidy",
        new PinnedVersion("tiny", "1", "ab".repeat(32)),
        4,
        Instant.EPOCH,
        RunProgress.queued());
  }

  @Test
  void whatIsDoneAheadBearsItsOwnIterationAndTheRestTheLearners() {
    assertThat(telemetry.watch(run(), Phase.SAMPLE, 3, () -> "sampled")).isEqualTo("sampled");
    assertThat(telemetry.watch(run(), Phase.LEARN, () -> "learned")).isEqualTo("learned");

    assertThat(spans).extracting(ReadableSpan::getName).containsExactly("run.sample", "run.learn");
    assertThat(spans).extracting(span -> span.getAttribute(ITERATION)).containsExactly(3L, 1L);
  }

  @Test
  void skippedUpdatesAreCountedFromZeroAndForGood() {
    assertThat(skipped(UpdateOutcome.NO_SIGNAL, "first")).isZero();
    assertThat(skipped(UpdateOutcome.NOT_FINITE, "first")).isZero();
    assertThat(skipped(UpdateOutcome.NOT_FINITE, "later")).isZero();

    telemetry.updated(run(), learning(UpdateOutcome.NO_SIGNAL, "the rewards are equal"));
    for (int i = 0; i < 3; i++) {
      telemetry.updated(run(), learning(UpdateOutcome.NOT_FINITE, "gradient norm: NaN"));
    }
    telemetry.updated(run(), learning(UpdateOutcome.UPDATED, "updates 2 to 4 were left out"));
    telemetry.updated(run(), learning(UpdateOutcome.UPDATED, ""));
    telemetry.left(run());

    assertThat(skipped(UpdateOutcome.NO_SIGNAL, "first")).isEqualTo(1);
    assertThat(skipped(UpdateOutcome.NOT_FINITE, "first")).isEqualTo(3);
    assertThat(skipped(UpdateOutcome.NOT_FINITE, "later")).isEqualTo(1);
  }

  @Test
  void anUpdateThatIsNotFiniteIsALineAndOneWithoutASignalIsNone() {
    try (HeardLog log = HeardLog.of(RunTelemetry.class.getName(), Level.WARNING)) {
      telemetry.updated(run(), learning(UpdateOutcome.NO_SIGNAL, "the rewards are equal"));
      telemetry.updated(run(), learning(UpdateOutcome.UPDATED, ""));
      telemetry.updated(run(), learning(UpdateOutcome.NOT_FINITE, "gradient norm: NaN"));
      telemetry.updated(run(), learning(UpdateOutcome.UPDATED, "updates 2 to 4 were left out"));

      String where = "run 0c7f0000-0000-4000-8000-000000000002 (tidy) iteration 1: ";
      assertThat(log.messages())
          .containsExactly(
              where + "update skipped: not finite: gradient norm: NaN",
              where + "updates 2 to 4 were left out");
    }
  }

  private double skipped(UpdateOutcome outcome, String which) {
    return meters
        .get("ballast.run.updates.skipped")
        .tag("outcome", outcome.name())
        .tag("which", which)
        .counter()
        .count();
  }

  private static LearningMetrics learning(UpdateOutcome outcome, String message) {
    return new LearningMetrics(outcome, message, 0, 0.1, 0, Map.of());
  }

  @Test
  void everyKindOfAlarmIsCountedFromZero() {
    for (AlarmKind kind : AlarmKind.values()) {
      for (WatchAction action : WatchAction.values()) {
        assertThat(
                meters
                    .get("ballast.run.alarms")
                    .tags("kind", kind.name(), "action", action.name())
                    .counter()
                    .count())
            .isZero();
      }
    }
  }

  @Test
  void whyACompletionHasNoRewardIsSaidOnceForAnIteration() {
    try (HeardLog log = HeardLog.of(RunTelemetry.class.getName(), Level.WARNING)) {
      telemetry.judged(run(), 2, new JudgedRollout(List.of(), 0, List.of()));
      telemetry.judged(
          run(), 3, new JudgedRollout(List.of(), 5, List.of(), "two of five answered"));

      assertThat(log.messages())
          .singleElement()
          .satisfies(
              line ->
                  assertThat(line)
                      .contains("iteration 3: 5 completions dropped", "two of five answered"));
    }
  }
}
