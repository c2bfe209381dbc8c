package io.ballast.kit.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.PeerGuard.Verdict;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code PeerGuard} refuses what a peer cannot take now, and tries it again later. */
class PeerGuardTest {
  private static final PeerSettings SETTINGS =
      new PeerSettings(Duration.ofSeconds(10), 3, 50, 4, Duration.ofSeconds(2), 1024);

  private final TestTime time = new TestTime();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final PeerGuard guard =
      new PeerGuard("reward-server", SETTINGS, time, time::nanoTime, meters);

  private void call(Verdict verdict) {
    guard.acquire().end(verdict);
  }

  private double breakerState() {
    return meters.get("ballast.peer.breaker.state").tag("peer", "reward-server").gauge().value();
  }

  private void assertRefused(Fault fault, String message) {
    assertThatThrownBy(guard::acquire)
        .isInstanceOfSatisfying(MeshException.class, e -> assertThat(e.fault()).isEqualTo(fault))
        .hasMessage(message);
  }

  private void assertOpen() {
    assertRefused(
        Fault.DEPENDENCY_DOWN,
        "reward-server: breaker open, its last calls failed; it is tried again soon");
  }

  @Test
  void halfOfTheLastCallsFailingOpensTheBreaker() {
    call(Verdict.SUCCEEDED);
    assertThat(breakerState()).isZero();
    call(Verdict.FAILED);
    assertThat(breakerState()).isEqualTo(1);
    assertOpen();
    assertThat(meters.get("ballast.peer.calls").tag("peer", "reward-server").counter().count())
        .as("an open breaker that nobody asks is told from one that refuses")
        .isEqualTo(3);
  }

  @Test
  void anOpenBreakerTriesOneCallAfterItsTimeAndClosesIfThatSucceeds() {
    call(Verdict.FAILED);
    call(Verdict.FAILED);
    time.pass(Duration.ofMillis(1_999));
    assertOpen();
    time.pass(Duration.ofMillis(2));
    PeerGuard.Permit probe = guard.acquire();
    assertThat(breakerState()).isEqualTo(2);
    assertOpen(); // one probe is enough
    probe.end(Verdict.SUCCEEDED);
    assertThat(breakerState()).isZero();
    call(Verdict.SUCCEEDED);
  }

  @Test
  void aProbeThatFailsOpensItAgain() {
    call(Verdict.FAILED);
    call(Verdict.FAILED);
    time.pass(Duration.ofSeconds(3));
    call(Verdict.FAILED);
    assertOpen();
    time.pass(Duration.ofSeconds(3));
    call(Verdict.SUCCEEDED);
    assertThat(breakerState()).isZero();
  }

  @Test
  void aProbeWhoseCallerLeftLeavesRoomForTheNext() {
    call(Verdict.FAILED);
    call(Verdict.FAILED);
    time.pass(Duration.ofSeconds(3));
    call(Verdict.IGNORED);
    call(Verdict.SUCCEEDED);
    assertThat(breakerState()).isZero();
  }

  @Test
  void aPeerThatIsReachedAgainIsTriedAtOnceByOneCall() {
    call(Verdict.FAILED);
    call(Verdict.FAILED);
    guard.reachedAgain();
    PeerGuard.Permit probe = guard.acquire();
    guard.reachedAgain(); // no second one beside it
    assertOpen();
    probe.end(Verdict.FAILED);
    assertThat(breakerState()).isEqualTo(1);
    guard.reachedAgain();
    call(Verdict.SUCCEEDED);
    assertThat(breakerState()).isZero();
  }

  @Test
  void aClosedBreakerStaysSo() {
    call(Verdict.FAILED);
    guard.reachedAgain();
    assertThat(breakerState()).isZero();
    call(Verdict.FAILED);
    assertThat(breakerState()).as("what failed before counts still").isEqualTo(1);
  }

  @ParameterizedTest
  @ValueSource(longs = {-86_400, -3, 3, 86_400})
  void aClockThatJumpsOpensAndClosesNothing(long seconds) {
    TestTime wall = new TestTime();
    PeerGuard steady =
        new PeerGuard("peer", SETTINGS, wall, time::nanoTime, new SimpleMeterRegistry());
    steady.acquire().end(Verdict.FAILED);
    steady.acquire().end(Verdict.FAILED);
    wall.pass(Duration.ofSeconds(seconds));
    assertThatThrownBy(steady::acquire).hasMessageContaining("breaker open");
    time.pass(Duration.ofMillis(2_001));
    steady.acquire().end(Verdict.SUCCEEDED);
    steady.acquire().end(Verdict.SUCCEEDED);
  }

  @Test
  void callersThatLeaveSayNothingAboutThePeer() {
    for (int i = 0; i < 10; i++) {
      call(Verdict.IGNORED);
    }
    assertThat(breakerState()).isZero();
  }

  @Test
  void moreCallsThanTheBulkheadHoldsAreRefusedUntilOneEnds() {
    PeerGuard.Permit first = guard.acquire();
    guard.acquire();
    guard.acquire();
    assertThat(
            meters.get("ballast.peer.calls.in.flight").tag("peer", "reward-server").gauge().value())
        .isEqualTo(3);
    assertRefused(Fault.OVERLOADED, "reward-server: 3 calls are under way, the limit");
    first.end(Verdict.SUCCEEDED);
    first.end(Verdict.SUCCEEDED); // a second end gives no second place
    guard.acquire();
    assertRefused(Fault.OVERLOADED, "reward-server: 3 calls are under way, the limit");
  }

  @Test
  void aRefusalByTheBreakerTakesNoPlaceInTheBulkhead() {
    call(Verdict.FAILED);
    call(Verdict.FAILED);
    for (int i = 0; i < 10; i++) {
      assertOpen();
    }
    assertThat(
            meters.get("ballast.peer.calls.in.flight").tag("peer", "reward-server").gauge().value())
        .isZero();
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> new PeerSettings(Duration.ZERO, 1, 50, 1, Duration.ofSeconds(1), 1))
        .hasMessage("peer call timeout: PT0S (allowed: > 0)");
    assertThatThrownBy(
            () -> new PeerSettings(Duration.ofSeconds(1), 1, 101, 1, Duration.ofSeconds(1), 1))
        .hasMessage("peer failure rate: 101 (allowed: 1 to 100 %)");
  }
}
