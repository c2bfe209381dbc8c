package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.process.SteadyLoad.Steady;
import io.ballast.testing.Await;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whether calls go as before is said of those that take about as long as before. */
class CallRateTest {
  private static final Duration LAST = Duration.ofSeconds(60);

  @Test
  @Timeout(60)
  void aCallThatTakesTooLongIsSeenAndDoesNotCount() {
    CallRate rate = new CallRate();
    Duration tooLong = Duration.ofSeconds(40);
    rate.limit(Duration.ofSeconds(30));
    rate.succeeded(System.nanoTime() - Duration.ofSeconds(2).toNanos());
    rate.succeeded(System.nanoTime());
    rate.succeeded(System.nanoTime() - tooLong.toNanos());

    Await.until(() -> rate.slow(LAST).compareTo(tooLong) >= 0); // the last 50 ms are not looked at

    assertThat(rate.over(LAST)).as("2 of the 3, in 60 s").isEqualTo(2.0 / 60);
  }

  @Test
  void muchLongerIsThreeTimesAsLongAndAQuarterOfASecondMore() {
    // 3 × 100 ms = 300 ms is less than 100 + 250; 3 × 200 ms = 600 ms is more than 200 + 250
    assertThat(new Steady(1, Duration.ofMillis(100)).longest()).isEqualTo(Duration.ofMillis(350));
    assertThat(new Steady(1, Duration.ofMillis(200)).longest()).isEqualTo(Duration.ofMillis(600));
  }
}
