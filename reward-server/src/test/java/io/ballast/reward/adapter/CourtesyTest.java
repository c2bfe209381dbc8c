package io.ballast.reward.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Background work waits for others, and is not kept from its own for ever. */
class CourtesyTest {
  private final AtomicInteger waiting = new AtomicInteger();
  private final AtomicLong passed = new AtomicLong();
  private final Courtesy courtesy = new Courtesy(waiting::get, passed::addAndGet);

  @Test
  void nobodyWaitsForNobody() {
    courtesy.giveWay();
    assertThat(passed).hasValue(0);
  }

  @Test
  void itGoesOnAsSoonAsNobodyWaits() {
    waiting.set(7);
    new Courtesy(
            waiting::get,
            millis -> {
              if (passed.addAndGet(millis) == 15) {
                waiting.set(0);
              }
            })
        .giveWay();
    assertThat(passed).hasValue(15);
  }

  @Test
  void aFloodDoesNotStopIt() {
    waiting.set(7);
    courtesy.giveWay();
    assertThat(passed).hasValue(100);
  }

  @Test
  void anInterruptEndsTheWorkAndStays() {
    waiting.set(7);
    Courtesy interrupted =
        new Courtesy(
            waiting::get,
            millis -> {
              throw new InterruptedException();
            });
    assertThatThrownBy(interrupted::giveWay).isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
  }
}
