package io.ballast.kit.call;

import java.time.Duration;
import java.util.concurrent.CancellationException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;

/**
 * Tells those who wait that something was stored. A reader takes {@link #count} before it looks,
 * and waits for another count afterwards, so that nothing falls between looking and waiting.
 */
public final class ChangeSignal {
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

  /** Has those who wait look whether they still do; nothing has changed. */
  public void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Waits until the count is no longer {@code seen}, at most {@code bound}. */
  public void await(long seen, Duration bound) {
    await(seen, bound, () -> false);
  }

  /**
   * Waits until the count is no longer {@code seen}, at most {@code bound}.
   *
   * @param left whether the wait is over before that; who makes it so calls {@link #wake}
   */
  public void await(long seen, Duration bound, BooleanSupplier left) {
    lock.lock();
    try {
      long nanos = bound.toNanos();
      while (count == seen && nanos > 0 && !left.getAsBoolean()) {
        nanos = changed.awaitNanos(nanos);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("interrupted while waiting");
    } finally {
      lock.unlock();
    }
  }
}
