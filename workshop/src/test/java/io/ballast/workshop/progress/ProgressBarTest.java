package io.ballast.workshop.progress;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** A log gets a line now and then, and one at the end. */
class ProgressBarTest {
  private final AtomicLong nanos = new AtomicLong();
  private final StringWriter out = new StringWriter();

  @Test
  void rateAndTimeLeftFollowFromTheClock() {
    ProgressBar bar = new ProgressBar(new PrintWriter(out), nanos::get, "positions", 1_200);
    nanos.set(TimeUnit.SECONDS.toNanos(3));
    bar.at(10, "soon"); // too early for a log's line
    nanos.set(TimeUnit.SECONDS.toNanos(12));
    bar.at(60, "");
    nanos.set(TimeUnit.SECONDS.toNanos(13));
    bar.at(1_200, "all");
    assertThat(out.toString().lines())
        .hasSize(2)
        .satisfiesExactly(
            line -> assertThat(line).endsWith("5 % · 60 of 1,200 positions · 5.0/s · 3:48 left"),
            line -> assertThat(line).contains("100 %", "92.3/s · all · 0:00 left"));
  }
}
