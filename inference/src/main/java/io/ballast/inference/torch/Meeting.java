package io.ballast.inference.torch;

import java.util.concurrent.atomic.AtomicInteger;

/**
 * Where the lanes of one computation wait for each other, eight times a block: what each does in
 * between is little, so who waits looks again and again, and only then makes room for others. A
 * phaser of the JDK parks who waits after 256 looks, and waking them takes longer than what they
 * wait for.
 */
final class Meeting {
  /** Looks before the processor is given to others; where there is one alone, it is at once. */
  private static final int LOOKS = Runtime.getRuntime().availableProcessors() > 1 ? 2_048 : 0;

  private final int lanes;
  private final AtomicInteger here = new AtomicInteger();
  private volatile int round;
  private volatile boolean abandoned;

  /**
   * @param lanes who meet, ≥ 1
   */
  Meeting(int lanes) {
    this.lanes = lanes;
  }

  /** Another lane has failed: what this one does is for nothing. */
  static final class Abandoned extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  /**
   * Returns when all have come; what each did before is seen by all after.
   *
   * @throws Abandoned if one will not come
   */
  void await() {
    int now = round;
    if (here.incrementAndGet() == lanes) {
      here.set(0);
      round = now + 1;
      return;
    }
    for (int looks = 0; round == now; looks++) {
      if (abandoned) {
        throw new Abandoned();
      }
      if (looks < LOOKS) {
        Thread.onSpinWait();
      } else {
        Thread.yield();
      }
    }
  }

  /** One will not come any more. */
  void abandon() {
    abandoned = true;
  }
}
