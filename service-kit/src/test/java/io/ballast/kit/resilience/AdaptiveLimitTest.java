package io.ballast.kit.resilience;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** A limit follows how long work waits, lane by lane. */
class AdaptiveLimitTest {
  private static final Optional<Duration> NO_WAIT = Optional.of(Duration.ZERO);
  private static final Optional<Duration> LONG_WAIT = Optional.of(Duration.ofSeconds(9));

  private final TestTime time = new TestTime();
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  private AdaptiveLimit limit(int initial) {
    return new AdaptiveLimit(
        "reward",
        new LimitSettings(
            initial, 2, 100, Duration.ofMillis(100), Duration.ofSeconds(1), Duration.ofSeconds(5)),
        time::nanoTime,
        meters);
  }

  private static List<AdaptiveLimit.Permit> acquire(AdaptiveLimit limit, Lane lane, int count) {
    List<AdaptiveLimit.Permit> permits = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      permits.add(limit.acquire(lane));
    }
    return permits;
  }

  /** Ten calls of a lane, side by side, as one window sees them. */
  private void window(AdaptiveLimit limit, Lane lane, Optional<Duration> waited) {
    List<AdaptiveLimit.Permit> permits = acquire(limit, lane, 10);
    time.pass(Duration.ofMillis(100));
    permits.forEach(permit -> permit.end(waited));
  }

  @Test
  void aWindowOfLongWaitsTakesATenthAndOneOfShortOnesGivesOneBack() {
    AdaptiveLimit limit = limit(20);
    window(limit, Lane.INTERACTIVE, LONG_WAIT);
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(18);
    window(limit, Lane.INTERACTIVE, NO_WAIT);
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(19);
  }

  @Test
  void aLimitThatIsNotUsedToTheHalfDoesNotGrow() {
    AdaptiveLimit limit = limit(21);
    window(limit, Lane.INTERACTIVE, NO_WAIT);
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(21);
  }

  @Test
  void fewSamplesOrAShortTimeChangeNothing() {
    AdaptiveLimit limit = limit(20);
    List<AdaptiveLimit.Permit> nine = acquire(limit, Lane.INTERACTIVE, 9);
    time.pass(Duration.ofSeconds(10));
    nine.forEach(permit -> permit.end(LONG_WAIT));
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(20);
    limit.acquire(Lane.INTERACTIVE).end(LONG_WAIT); // the tenth
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(18);
    acquire(limit, Lane.INTERACTIVE, 15).forEach(permit -> permit.end(LONG_WAIT));
    assertThat(limit.limit(Lane.INTERACTIVE)).as("no time has passed").isEqualTo(18);
  }

  @Test
  void callsWhoseWorkDoesNotWaitSayNothing() {
    AdaptiveLimit limit = limit(20);
    window(limit, Lane.INTERACTIVE, Optional.empty());
    window(limit, Lane.INTERACTIVE, Optional.empty());
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(20);
  }

  @Test
  void oneCallTooManyIsRefusedAndToldWhenThoseUnderWayHaveEnded() {
    AdaptiveLimit limit = limit(20);
    AdaptiveLimit.Permit known = limit.acquire(Lane.INTERACTIVE);
    time.pass(Duration.ofMillis(300));
    known.end(NO_WAIT);
    List<AdaptiveLimit.Permit> permits = acquire(limit, Lane.INTERACTIVE, 20);

    assertThatThrownBy(() -> limit.acquire(Lane.INTERACTIVE))
        .isInstanceOfSatisfying(
            MeshException.class,
            e -> {
              assertThat(e.fault()).isEqualTo(Fault.OVERLOADED);
              assertThat(e.metadata())
                  .containsEntry("limit", "20")
                  .containsEntry(MeshException.SHED, "concurrency_limit")
                  .containsEntry(MeshException.RETRY_DELAY, "PT0.3S");
            })
        .hasMessage(
            "reward: 20 calls of lane INTERACTIVE and more urgent ones are under way, the limit for"
                + " now; slow down");
    permits.getFirst().end(NO_WAIT);
    permits.getFirst().end(NO_WAIT); // the second end is none
    limit.acquire(Lane.INTERACTIVE);
    assertThatThrownBy(() -> limit.acquire(Lane.INTERACTIVE)).isInstanceOf(MeshException.class);
  }

  @Test
  void theLeastUrgentLaneLosesItsPlacesFirst() {
    AdaptiveLimit limit = limit(20);
    acquire(limit, Lane.BATCH, 15);
    acquire(limit, Lane.TRAINER, 3);
    acquire(limit, Lane.INTERACTIVE, 4); // batch calls keep no person out

    assertThatThrownBy(() -> limit.acquire(Lane.BATCH)).isInstanceOf(MeshException.class);
    acquire(limit, Lane.TRAINER, 13);
    assertThatThrownBy(() -> limit.acquire(Lane.TRAINER)).isInstanceOf(MeshException.class);
    acquire(limit, Lane.INTERACTIVE, 16);
    assertThatThrownBy(() -> limit.acquire(Lane.INTERACTIVE)).isInstanceOf(MeshException.class);
  }

  @Test
  void noLaneHasMoreThanAMoreUrgentOne() {
    AdaptiveLimit limit = limit(20);
    window(limit, Lane.INTERACTIVE, LONG_WAIT);
    assertThat(limit.limit(Lane.BATCH)).isEqualTo(18);
    window(limit, Lane.BATCH, LONG_WAIT);
    window(limit, Lane.BATCH, LONG_WAIT);
    assertThat(limit.limit(Lane.BATCH)).isEqualTo(16); // 20, 18, 16.2
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(18);
  }

  @Test
  void forWhatABatchCallDoesNotWaitAPersonWouldNotEither() {
    AdaptiveLimit limit = limit(20);
    window(limit, Lane.INTERACTIVE, LONG_WAIT);
    window(limit, Lane.BATCH, NO_WAIT);
    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(19);
  }

  @Test
  void batchCallsThatDidNotWaitHideNoPersonsWait() {
    AdaptiveLimit limit = limit(20);
    AdaptiveLimit.Permit person = limit.acquire(Lane.INTERACTIVE); // of a model that is busy
    List<AdaptiveLimit.Permit> batch = acquire(limit, Lane.BATCH, 15); // of one that is not
    time.pass(Duration.ofMillis(100));
    person.end(Optional.of(Duration.ofMillis(500)));
    batch.forEach(permit -> permit.end(NO_WAIT));

    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(18);
  }

  @Test
  void itIsShownByLane() {
    AdaptiveLimit limit = limit(20);
    acquire(limit, Lane.TRAINER, 3);
    assertThat(
            meters.get("ballast.limit").tags("server", "reward", "lane", "batch").gauge().value())
        .isEqualTo(20);
    assertThat(
            meters
                .get("ballast.limit.inflight")
                .tags("server", "reward", "lane", "trainer")
                .gauge()
                .value())
        .isEqualTo(3);
  }

  @Test
  void howLongWorkWaitedIsMeasuredByLaneOfCallsWhoseWorkWaits() {
    AdaptiveLimit limit = limit(20);
    limit.acquire(Lane.TRAINER).end(Optional.of(Duration.ofMillis(300)));
    limit.acquire(Lane.TRAINER).end(NO_WAIT);
    limit.acquire(Lane.TRAINER).end(Optional.empty());

    Timer trainers = waits("trainer");
    assertThat(trainers.count()).isEqualTo(2);
    assertThat(trainers.totalTime(TimeUnit.MILLISECONDS)).isEqualTo(300);
    assertThat(waits("interactive").count()).as("there from the start").isZero();
  }

  private Timer waits(String lane) {
    return meters.get("ballast.limit.wait").tags("server", "reward", "lane", lane).timer();
  }

  @Test
  void boundsThatAreNoneAreNamed() {
    Duration second = Duration.ofSeconds(1);
    assertThatThrownBy(() -> new LimitSettings(5, 8, 16, second, second, second))
        .hasMessage("initial limit: 5 (allowed: 8 to 16)");
    assertThatThrownBy(() -> new LimitSettings(8, 8, 16, second, Duration.ZERO, second))
        .hasMessage("trainer wait: PT0S (allowed: > 0)");
  }
}
