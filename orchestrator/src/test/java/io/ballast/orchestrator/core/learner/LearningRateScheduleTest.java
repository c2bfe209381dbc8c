package io.ballast.orchestrator.core.learner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.learner.LearningRateSchedule.Kind;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The rate of every update is known beforehand. */
class LearningRateScheduleTest {
  private static final double EXACT = 1e-15;

  @Test
  void aConstantRateWarmsUpFromATenth() {
    // InstructGPT: ten updates from a tenth of the rate, then the rate
    LearningRateSchedule schedule = new LearningRateSchedule(Kind.CONSTANT, 1, 10, 256, 1);
    assertThat(rates(schedule, 1, 12))
        .containsExactly(
            new double[] {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1, 1}, within(EXACT));
    assertThat(schedule.rate(1_000_000)).isEqualTo(1);
  }

  @Test
  void aLinearRateByHand() {
    // W = 2, N = 6, f = 0.2: p = ¼, ½, ¾, 1 and 0.2 + 0.8·(1 − p) = 0.8, 0.6, 0.4, 0.2
    LearningRateSchedule schedule = new LearningRateSchedule(Kind.LINEAR, 1, 2, 6, 0.2);
    assertThat(rates(schedule, 1, 8))
        .containsExactly(new double[] {0.5, 1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2}, within(EXACT));
  }

  @Test
  void aCosineRateByHand() {
    // W = 1, N = 5, f = 0.1: cos πp = √½, 0, −√½, −1 and 0.1 + 0.9·(1 + cos πp)/2
    LearningRateSchedule schedule = new LearningRateSchedule(Kind.COSINE, 2, 1, 5, 0.1);
    double root = Math.sqrt(0.5);
    assertThat(rates(schedule, 1, 6))
        .containsExactly(
            new double[] {2, 1.1 + 0.9 * root, 1.1, 1.1 - 0.9 * root, 0.2, 0.2}, within(EXACT));
  }

  @Test
  void withoutWarmUpADecayBeginsAtOnceAndMayEndAtZero() {
    LearningRateSchedule schedule = new LearningRateSchedule(Kind.LINEAR, 3, 0, 3, 0);
    assertThat(rates(schedule, 1, 4)).containsExactly(new double[] {2, 1, 0, 0}, within(EXACT));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void aFinalFractionOfOneReducesToAConstantRate(Kind kind) {
    LearningRateSchedule schedule = new LearningRateSchedule(kind, 3e-4, 0, 7, 1);
    assertThat(rates(schedule, 1, 9)).containsOnly(LearningRateSchedule.constant(3e-4).rate(5));
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void afterTheWarmUpItNeverRises(Kind kind) {
    double[] rates = rates(new LearningRateSchedule(kind, 1, 5, 40, 0.1), 5, 50);
    for (int i = 1; i < rates.length; i++) {
      assertThat(rates[i]).isLessThanOrEqualTo(rates[i - 1]).isBetween(0.1, 1.0);
    }
  }

  @Test
  void whatIsOutOfRangeIsNamed() {
    refused(() -> new LearningRateSchedule(Kind.LINEAR, 0, 0, 1, 0), "peak: 0.0 (expected: > 0");
    refused(
        () -> new LearningRateSchedule(Kind.LINEAR, Double.POSITIVE_INFINITY, 0, 1, 0),
        "peak: Infinity (expected: > 0, finite)");
    refused(
        () -> new LearningRateSchedule(Kind.COSINE, 1, 10, 10, 0),
        "warmup_updates: 10 (expected: < the 10 updates of all)");
    refused(
        () -> new LearningRateSchedule(Kind.CONSTANT, 1, -1, 10, 0),
        "warmup_updates: -1 (expected: ≥ 0)");
    refused(
        () -> new LearningRateSchedule(Kind.LINEAR, 1, 0, 0, 0), "total_updates: 0 (expected: ≥ 1");
    refused(
        () -> new LearningRateSchedule(Kind.LINEAR, 1, 0, 1, 1.5),
        "final_fraction: 1.5 (expected: 0 to 1)");
    refused(
        () -> new LearningRateSchedule(Kind.LINEAR, 1, 0, 1, Double.NaN),
        "final_fraction: NaN (expected: 0 to 1)");
    assertThatThrownBy(() -> LearningRateSchedule.constant(1).rate(0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("update: 0 (expected: ≥ 1)");
  }

  private static void refused(Runnable making, String message) {
    assertThatThrownBy(making::run)
        .isInstanceOfSatisfying(
            MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.MALFORMED_REQUEST))
        .hasMessageStartingWith("schedule." + message);
  }

  private static double[] rates(LearningRateSchedule schedule, long first, long last) {
    return LongStream.rangeClosed(first, last).mapToDouble(schedule::rate).toArray();
  }
}
