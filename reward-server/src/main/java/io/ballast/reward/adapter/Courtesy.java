package io.ballast.reward.adapter;

import java.util.concurrent.CancellationException;
import java.util.function.IntSupplier;

/**
 * How background work gives way: while others wait it waits too, but a little at a time, so that a
 * flood slows it and does not stop it. Java's thread priorities do nothing on Linux.
 */
public final class Courtesy {
  private static final int LOOKS = 20;
  private static final long LOOK_MILLIS = 5;

  private final IntSupplier waiting;
  private final Pause pause;

  /** Passes time. */
  @FunctionalInterface
  public interface Pause {
    /** Returns after so many milliseconds. */
    void millis(long millis) throws InterruptedException;
  }

  /**
   * @param waiting how much of others' work waits, ≥ 0
   */
  public Courtesy(IntSupplier waiting, Pause pause) {
    this.waiting = waiting;
    this.pause = pause;
  }

  /**
   * Waits while others wait, at most 100 ms.
   *
   * @throws CancellationException if the thread is interrupted, which stays so
   */
  void giveWay() {
    try {
      for (int look = 0; look < LOOKS && waiting.getAsInt() > 0; look++) {
        pause.millis(LOOK_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("the work is to end");
    }
  }
}
