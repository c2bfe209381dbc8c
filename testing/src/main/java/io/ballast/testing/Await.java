package io.ballast.testing;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits for what other threads and processes do; a test's own timeout ends the wait. */
public final class Await {
  private static final long LOOK_NANOS = 5_000_000;
  private static final long PATIENCE_SECONDS = 60;

  private Await() {}

  /** Waits until {@code condition} holds. */
  public static void until(BooleanSupplier condition) {
    while (!condition.getAsBoolean()) {
      if (Thread.currentThread().isInterrupted()) {
        throw new AssertionError("it did not come to be");
      }
      LockSupport.parkNanos(LOOK_NANOS);
    }
  }

  /** Returns what {@code future} ends with, or throws what it ends by; within a minute. */
  public static <T> T result(CompletableFuture<T> future) {
    return future.orTimeout(PATIENCE_SECONDS, TimeUnit.SECONDS).join();
  }
}
