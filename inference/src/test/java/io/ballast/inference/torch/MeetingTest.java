package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class MeetingTest {
  private static final int LANES = 3;

  @Test
  void nobodyGoesOnBeforeAllHaveComeAndAllSeeWhatWasDone() {
    int rounds = 5_000;
    int[] done = new int[LANES]; // plain numbers: the meeting alone makes them seen
    AtomicInteger behind = new AtomicInteger();
    Meeting meeting = new Meeting(LANES);
    try (Lanes lanes = new Lanes("meeting-test", LANES)) {
      lanes.run(
          LANES,
          lane -> {
            for (int round = 1; round <= rounds; round++) {
              done[lane] = round;
              meeting.await();
              for (int of : done) {
                behind.addAndGet(of == round ? 0 : 1);
              }
              meeting.await();
            }
          },
          meeting::abandon);
    }
    assertThat(behind).hasValue(0);
    assertThat(done).containsOnly(rounds);
  }

  @Test
  void whoIsAloneDoesNotWait() {
    Meeting meeting = new Meeting(1);
    for (int round = 0; round < 3; round++) {
      meeting.await();
    }
    meeting.abandon();
    meeting.await();
  }

  @Test
  void whoWaitsForOneThatFailsIsToldAndTheFirstFailureIsThrown() {
    Meeting meeting = new Meeting(LANES);
    AtomicInteger others = new AtomicInteger();
    AtomicInteger abandoned = new AtomicInteger();
    try (Lanes lanes = new Lanes("meeting-test", LANES)) {
      assertThatThrownBy(
              () ->
                  lanes.run(
                      LANES,
                      lane -> {
                        if (lane == 1) {
                          while (others.get() < LANES - 1) {
                            Thread.onSpinWait();
                          }
                          throw new IllegalStateException("no memory");
                        }
                        others.incrementAndGet();
                        try {
                          meeting.await();
                        } catch (Meeting.Abandoned e) {
                          abandoned.incrementAndGet();
                          throw e;
                        }
                      },
                      meeting::abandon))
          .isInstanceOf(IllegalStateException.class)
          .hasMessage("no memory");
    }
    assertThat(abandoned).hasValue(LANES - 1);
  }
}
