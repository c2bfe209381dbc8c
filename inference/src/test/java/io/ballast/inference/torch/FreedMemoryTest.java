package io.ballast.inference.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class FreedMemoryTest {
  private final Queue<Runnable> later = new ArrayDeque<>();
  private long now = Long.MAX_VALUE; // System.nanoTime may begin anywhere, and overflow
  private int givenBack;
  private final FreedMemory memory = new FreedMemory(() -> now, () -> givenBack++, later::add);

  private void wait(int seconds) {
    now += TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  void whereNothingIsLearnedMemoryIsGivenBackAtOnce() {
    memory.release();
    memory.release();

    assertThat(givenBack).isEqualTo(2);
    assertThat(later).isEmpty();
  }

  @Test
  void whileSomethingIsLearnedItIsKeptAndGivenBackOnceAfterwards() {
    memory.learning();
    memory.release();
    wait(2);
    memory.learning();
    memory.release();
    assertThat(later).hasSize(1);

    wait(8);
    later.remove().run();
    assertThat(givenBack).isZero(); // eight seconds since the last pass
    assertThat(later).hasSize(1);

    wait(10);
    later.remove().run();
    assertThat(givenBack).isOne();
    assertThat(later).isEmpty();
  }

  @Test
  void whatWasLearnedLongAgoKeepsNothing() {
    memory.learning();
    wait(10);

    memory.release();

    assertThat(givenBack).isOne();
  }

  @Test
  void whereNothingCanLookLaterTheNextThatEndsSeesToIt() {
    FreedMemory threadless =
        new FreedMemory(
            () -> now,
            () -> givenBack++,
            task -> {
              throw new OutOfMemoryError("unable to create native thread");
            });
    threadless.learning();
    assertThatThrownBy(threadless::release).isInstanceOf(OutOfMemoryError.class);
    wait(10);

    threadless.release();

    assertThat(givenBack).isOne();
  }
}
