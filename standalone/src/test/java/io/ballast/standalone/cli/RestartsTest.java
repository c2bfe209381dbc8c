package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Five starts within ten minutes are allowed to each server, however long the mesh has run. */
class RestartsTest {
  private final AtomicLong now = new AtomicLong(Long.MAX_VALUE - 1); // a clock may pass its end
  private final Restarts restarts = new Restarts(now::get);

  private void pass(Duration time) {
    now.addAndGet(time.toNanos());
  }

  @Test
  void theSixthWithinTenMinutesIsRefused() {
    for (int minute = 0; minute < 5; minute++) {
      assertThat(restarts.nextWait("reward-server")).isPresent();
      pass(Duration.ofMinutes(1));
    }
    pass(Duration.ofMinutes(5).minusNanos(1)); // 10 min − 1 ns after the first
    assertThat(restarts.nextWait("reward-server")).isEmpty();

    pass(Duration.ofNanos(1)); // the first no longer counts, and what was refused never did
    assertThat(restarts.nextWait("reward-server")).isPresent();
    assertThat(restarts.nextWait("reward-server")).isEmpty();
  }

  @Test
  void eachWaitOfLateIsTwiceTheOneBefore() {
    for (int seconds : new int[] {1, 2, 4, 8, 16}) {
      assertThat(restarts.nextWait("reward-server")).contains(Duration.ofSeconds(seconds));
    }
    assertThat(restarts.nextWait("safety-server")).contains(Duration.ofSeconds(1));

    pass(Duration.ofMinutes(10)); // all five are long ago
    assertThat(restarts.nextWait("reward-server")).contains(Duration.ofSeconds(1));
  }

  @Test
  void eachServerHasItsOwn() {
    for (int start = 0; start < 5; start++) {
      assertThat(restarts.nextWait("reward-server")).isPresent();
    }
    assertThat(restarts.nextWait("reward-server")).isEmpty();
    assertThat(restarts.nextWait("safety-server")).isPresent();
  }

  @Test
  void oneThatEndsNowAndThenIsAlwaysStartedAgain() {
    for (int end = 0; end < 1_000; end++) {
      assertThat(restarts.nextWait("orchestrator")).isPresent();
      pass(Duration.ofMinutes(2));
    }
  }
}
