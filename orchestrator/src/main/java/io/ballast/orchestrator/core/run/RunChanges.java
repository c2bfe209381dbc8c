package io.ballast.orchestrator.core.run;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Tells those who wait that some run has changed. A reader takes {@link #count} before it looks,
 * and waits for another count afterwards, so that nothing falls between looking and waiting.
 */
public final class RunChanges {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private long count;

  /** How many changes there were. */
  public long count() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** Wakes everyone who waits. */
  public void announce() {
    lock.lock();
    try {
      count++;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the count is no longer {@code seen}, at most {@code bound}. */
  public void await(long seen, Duration bound) {
    lock.lock();
    try {
      long nanos = bound.toNanos();
      while (count == seen && nanos > 0) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting for a run");
    } finally {
      lock.unlock();
    }
  }
}
