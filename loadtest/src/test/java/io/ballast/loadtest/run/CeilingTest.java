package io.ballast.loadtest.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.ballast.loadtest.openloop.FakePacer;
import io.ballast.loadtest.openloop.Outcome;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** A generator's ceiling is what it really manages, however slow it is. */
class CeilingTest {
  private final FakePacer pacer = new FakePacer();

  /** Takes so many nanoseconds of the sending thread for each call. */
  private double ceiling(long nanos) {
    return Ceiling.perSecond(
        (index, done) -> {
          pacer.sleepUntil(pacer.nanoTime() + nanos);
          done.accept(Outcome.answered("SHOW"));
        },
        Duration.ofSeconds(1),
        pacer);
  }

  @Test
  void whatTakesAMillisecondACallManagesAThousandASecond() {
    assertThat(ceiling(1_000_000)).isCloseTo(1_000, withinPercentage(1));
    assertThat(ceiling(100_000)).isCloseTo(10_000, withinPercentage(1));
    assertThat(ceiling(50_000_000)).isCloseTo(20, withinPercentage(1));
  }

  @Test
  void whatIsSlowAtFirstIsMeasuredAfterwards() {
    double perSecond =
        Ceiling.perSecond(
            (index, done) -> {
              pacer.sleepUntil(pacer.nanoTime() + (index < 500 ? 20_000_000 : 1_000_000));
              done.accept(Outcome.answered("SHOW"));
            },
            Duration.ofSeconds(1),
            pacer);
    assertThat(perSecond).isCloseTo(1_000, withinPercentage(1));
  }
}
