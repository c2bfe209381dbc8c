package io.ballast.safety.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.PhaseTimes;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.telemetry.RecentSpans.EndedSpan;
import io.ballast.rl.gate.GateOutcome;
import io.ballast.rl.preference.PlattScaling;
import io.ballast.safety.core.cost.CostAnswer;
import io.ballast.safety.core.cost.CostModel;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.testing.TracedCall;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Where the time of costs and of the gate went is in the call's trace and in the metrics. */
class SafetyTelemetryTest {
  private final MeterRegistry meters = new SimpleMeterRegistry();

  @Test
  void eachPhaseOfCostsIsASpanBelowTheCallAndATimer() {
    // queue, batch, tokenise, infer, all
    CostAnswer answer = answer(times(4, 3, 2, 20, 30));

    List<EndedSpan> spans = told(telemetry -> telemetry.costsAnswered(answer));

    assertThat(spans)
        .extracting(EndedSpan::name)
        .containsExactly("call", "safety.tokenise", "safety.queue", "safety.batch", "safety.infer");
    EndedSpan call = spans.getFirst();
    assertThat(call.attributes())
        .containsEntry("gen_ai.request.model", "java-cost")
        .containsEntry("ballast.cost_version", "2");
    assertThat(spans.subList(1, spans.size()))
        .extracting(EndedSpan::parentSpanId)
        .containsOnly(call.spanId());
    assertThat(spans.subList(1, spans.size()))
        .extracting(span -> TimeUnit.NANOSECONDS.toMillis(span.durationNanos()))
        .containsExactly(2L, 4L, 3L, 20L);
    assertThat(stepMillis("tokenise")).isEqualTo(2);
    assertThat(stepMillis("queue")).isEqualTo(4);
    assertThat(stepMillis("batch")).isEqualTo(3);
    assertThat(stepMillis("infer")).isEqualTo(20);
  }

  @Test
  void itemsThatWereAllRefusedAskedNoModel() {
    CostAnswer answer = answer(times(0, 0, 2, 0, 3));

    assertThat(told(telemetry -> telemetry.costsAnswered(answer)))
        .extracting(EndedSpan::name)
        .containsExactly("call", "safety.tokenise");
    assertThat(meters.find("ballast.safety.step").tag("step", "infer").timer()).isNull();
  }

  @Test
  void aStageOfTheGateIsASpanWithItsDecisionAndATimer() {
    List<EndedSpan> spans =
        told(
            telemetry -> {
              String answer =
                  telemetry.watch(
                      "gate.context",
                      () -> {
                        telemetry.gateDecided(GateStage.CONTEXT, GateOutcome.WITHHOLD);
                        return "decided";
                      });
              assertThat(answer).isEqualTo("decided");
            });

    assertThat(spans)
        .extracting(EndedSpan::name)
        .containsExactlyInAnyOrder("call", "safety.gate.context");
    EndedSpan gate = named("safety.gate.context", spans);
    assertThat(gate.parentSpanId()).isEqualTo(named("call", spans).spanId());
    assertThat(gate.attributes()).containsEntry("ballast.gate_outcome", "withhold");
    assertThat(gate.error()).isEmpty();
    assertThat(step("gate.context").count()).isEqualTo(1);
    assertThat(
            meters
                .get("ballast.safety.gate.decisions")
                .tags("stage", "context", "outcome", "withhold")
                .counter()
                .count())
        .isEqualTo(1);
  }

  @Test
  void aStepThatFailsIsTimedTooAndItsSpanSaysByWhatButNoText() {
    List<EndedSpan> spans =
        told(
            telemetry ->
                assertThatThrownBy(
                        () ->
                            telemetry.watch(
                                "test.judge",
                                () -> {
                                  throw new IllegalStateException("what somebody wrote");
                                }))
                    .isInstanceOf(IllegalStateException.class));

    assertThat(named("safety.test.judge", spans).error()).isEqualTo("error IllegalStateException");
    assertThat(step("test.judge").count()).isEqualTo(1);
  }

  private static PhaseTimes times(long queue, long batch, long tokenise, long infer, long total) {
    return new PhaseTimes(
        Duration.ofMillis(queue),
        Duration.ofMillis(batch),
        Duration.ofMillis(tokenise),
        Duration.ofMillis(infer),
        Duration.ZERO,
        Duration.ofMillis(total));
  }

  /** An answer without items that took so long. */
  private static CostAnswer answer(PhaseTimes times) {
    return new CostAnswer(
        List.of(),
        0.5,
        new CostModel(
            new PinnedVersion("java-cost", "2", "a".repeat(64)),
            "",
            1,
            OptionalInt.empty(),
            Optional.of(new PlattScaling(1, 0))),
        times);
  }

  /** The spans of a call that did {@code work}, in the order of their start. */
  private List<EndedSpan> told(Consumer<SafetyTelemetry> work) {
    return TracedCall.spans(
        (telemetry, clock) -> work.accept(new SafetyTelemetry(meters, telemetry, clock)));
  }

  private static EndedSpan named(String name, List<EndedSpan> spans) {
    return spans.stream().filter(span -> span.name().equals(name)).findFirst().orElseThrow();
  }

  private double stepMillis(String step) {
    return step(step).totalTime(TimeUnit.MILLISECONDS);
  }

  private Timer step(String step) {
    return meters.get("ballast.safety.step").tag("step", step).timer();
  }
}
