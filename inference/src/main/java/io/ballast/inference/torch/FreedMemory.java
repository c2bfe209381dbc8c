package io.ballast.inference.torch;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * When memory that tensors have freed is given back. A decoder that ends gives it back at once,
 * unless the process has learned from groups of completions in the last ten seconds: a run ends a
 * decoder in each iteration, and the next update would take all of it anew, with a page fault for
 * every 4 KiB. Then it is given back once, ten to twenty seconds after the last of it was learned.
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

  /** Told of each micro-batch of {@link TrainingLanes}. */
  synchronized void learning() {
    learned = true;
    lastLearned = nanoTime.getAsLong();
  }

  /** Gives back what is free, now or when nothing has been learned lately. */
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
      lookLater();
    }
  }

  private void lookLater() {
    boolean begun = false;
    try {
      later.execute(this::lookAgain);
      begun = true;
    } finally {
      if (!begun) {
        stopWaiting(); // there may be no thread left: the next that ends sees to it
      }
    }
  }

  private void lookAgain() {
    stopWaiting();
    release();
  }

  private synchronized void stopWaiting() {
    waiting = false;
  }
}
