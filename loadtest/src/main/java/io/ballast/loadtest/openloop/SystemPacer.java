package io.ballast.loadtest.openloop;

import java.util.concurrent.locks.LockSupport;

/**
 * The machine's clock. It waits asleep: a generator that spins takes a core from the server beside
 * it. The price is a wake-up that is 50 to 100 µs late, which {@link LoadResult#sendDelay} shows.
 */
public final class SystemPacer implements Pacer {
  @Override
  public long nanoTime() {
    return System.nanoTime();
  }

  @Override
  public void sleepUntil(long nanos) {
    long left = nanos - System.nanoTime();
    while (left > 0 && !Thread.currentThread().isInterrupted()) {
      LockSupport.parkNanos(left);
      left = nanos - System.nanoTime();
    }
  }
}
