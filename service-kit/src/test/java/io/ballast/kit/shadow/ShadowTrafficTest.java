package io.ballast.kit.shadow;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.shadow.ShadowTraffic.Served;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The shadow costs nobody anything: it is late, dropped or silent, never in the way. */
class ShadowTrafficTest {
  private static final List<Served> ONE = List.of(new Served("p", OptionalDouble.of(1)));

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final AtomicBoolean busy = new AtomicBoolean();
  private final ShadowTraffic traffic =
      new ShadowTraffic(ShadowTarget.parse("m/2@0.25"), "shadow", busy::get, meters);

  @AfterEach
  void stop() {
    traffic.close();
  }

  @Test
  void aQuarterOfTheCallsIsTaken() {
    int taken = 0;
    for (int i = 0; i < 1_000; i++) {
      taken += traffic.takesNext() ? 1 : 0;
    }
    assertThat(taken).isEqualTo(250);
  }

  @Test
  void whatBothGaveANumberIsCompared() throws Exception {
    traffic.offer(
        List.of(
            new Served("p", OptionalDouble.of(1)),
            new Served("p", OptionalDouble.empty()),
            new Served("p", OptionalDouble.of(3))),
        () -> List.of(OptionalDouble.of(2), OptionalDouble.of(9), OptionalDouble.of(5)));
    awaitAll();

    assertThat(count("compared")).isEqualTo(2);
    assertThat(count("unscored")).isEqualTo(1);
    assertThat(meters.get("shadow.difference.mean").gauge().value()).isEqualTo(1.5);
    assertThat(meters.get("shadow.agreement").tag("pairs", "one_prompt").gauge().value()).isOne();
  }

  @Test
  void whatItCannotKeepUpWithIsDropped() throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    CountDownLatch entered = new CountDownLatch(1);
    traffic.offer(
        ONE,
        () -> {
          entered.countDown();
          await(slow);
          return List.of(OptionalDouble.of(1));
        });
    entered.await();
    CountDownLatch asked = new CountDownLatch(64);
    for (int i = 0; i < 100; i++) {
      traffic.offer(
          ONE,
          () -> {
            asked.countDown();
            return List.of(OptionalDouble.of(1));
          });
    }
    assertThat(count("dropped")).as("64 may wait").isEqualTo(36);
    slow.countDown();
    asked.await();
  }

  @Test
  void aBusyServerAsksNoCandidate() {
    busy.set(true);
    traffic.offer(
        ONE,
        () -> {
          throw new AssertionError("asked");
        });

    assertThat(count("dropped")).isEqualTo(1);
  }

  @Test
  void aCandidateThatFailsIsCountedAndAskedAgain() throws Exception {
    traffic.offer(
        ONE,
        () -> {
          throw new IllegalStateException("no such version");
        });
    traffic.offer(ONE, () -> List.of(OptionalDouble.of(2)));
    awaitAll();

    assertThat(count("failed")).isEqualTo(1);
    assertThat(count("compared")).isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"m", "m/2", "m/2@", "m/2@0", "m/2@1.1", "m/2@-1", "@0.1", "m/2/3@0.1"})
  void aTargetOfAnotherFormIsRefused(String text) {
    assertThatThrownBy(() -> ShadowTarget.parse(text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected:");
  }

  @Test
  void aTargetIsRead() {
    assertThat(ShadowTarget.parse("java-reward/2@0.05"))
        .isEqualTo(new ShadowTarget("java-reward", "2", 0.05));
  }

  private double count(String outcome) {
    return meters.get("shadow.items").tag("outcome", outcome).counter().count();
  }

  /** What was offered before is done when this is. */
  private void awaitAll() throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    traffic.offer(
        List.of(),
        () -> {
          done.countDown();
          return List.of();
        });
    done.await();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
