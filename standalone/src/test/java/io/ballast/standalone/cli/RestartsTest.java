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
      assertThat(restarts.allow("reward-server")).isTrue();
      pass(Duration.ofMinutes(1));
    }
    pass(Duration.ofMinutes(5).minusNanos(1)); // 10 min − 1 ns after the first
    assertThat(restarts.allow("reward-server")).isFalse();

    pass(Duration.ofNanos(1)); // the first no longer counts, and what was refused never did
    assertThat(restarts.allow("reward-server")).isTrue();
    assertThat(restarts.allow("reward-server")).isFalse();
  }

  @Test
  void eachServerHasItsOwn() {
    for (int start = 0; start < 5; start++) {
      assertThat(restarts.allow("reward-server")).isTrue();
    }
    assertThat(restarts.allow("reward-server")).isFalse();
    assertThat(restarts.allow("safety-server")).isTrue();
  }

  @Test
  void oneThatEndsNowAndThenIsAlwaysStartedAgain() {
    for (int end = 0; end < 1_000; end++) {
      assertThat(restarts.allow("orchestrator")).isTrue();
      pass(Duration.ofMinutes(2));
    }
  }
}
