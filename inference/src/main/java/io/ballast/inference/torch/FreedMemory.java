package io.ballast.inference.torch;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * When memory that tensors have freed is given back. A decoder that ends gives it back at once,
 * unless the process has learned something lately: a run ends a decoder in each iteration, and the
 * next update would take all of it anew, with a page fault for every 4 KiB. Then it is given back
 * when nothing has been learned for ten seconds.
 */
final class FreedMemory {
  private static final long LATELY_NANOS = TimeUnit.SECONDS.toNanos(10);

  private static final FreedMemory PROCESS =
      new FreedMemory(
          System::nanoTime,
          TorchRuntime::releaseFreedMemory,
          CompletableFuture.delayedExecutor(LATELY_NANOS, TimeUnit.NANOSECONDS));

  private final LongSupplier nanoTime;
  private final Runnable giveBack;
  private final Executor later;
  private boolean learned;
  private long lastLearned;
  private boolean waiting;

  /**
   * Begins with nothing learned.
   *
   * @param giveBack gives back all that is free
   * @param later runs what it is given in ten seconds
   */
  FreedMemory(LongSupplier nanoTime, Runnable giveBack, Executor later) {
    this.nanoTime = nanoTime;
    this.giveBack = giveBack;
    this.later = later;
  }

  /** That of this process. */
  static FreedMemory ofProcess() {
    return PROCESS;
  }

  /** Told of each pass of a learner. */
  synchronized void learning() {
    learned = true;
    lastLearned = nanoTime.getAsLong();
  }

  /** Gives back what is free, now or as soon as nothing has been learned lately. */
  void release() {
    boolean now;
    synchronized (this) {
      if (waiting) {
        return;
      }
      now = !learned || nanoTime.getAsLong() - lastLearned >= LATELY_NANOS;
      waiting = !now;
    }
    if (now) {
      giveBack.run();
    } else {
      later.execute(this::lookAgain);
    }
  }

  private void lookAgain() {
    synchronized (this) {
      waiting = false;
    }
    release();
  }
}
