package io.ballast.loadtest.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongSupplier;

/** Callers that each ask again as soon as they are answered: what a server can do at most. */
final class ClosedLoop {
  /** One call. */
  @FunctionalInterface
  interface Call {
    /** Does the call of this index and returns how many items it was about. */
    long items(long index) throws Exception;
  }

  private ClosedLoop() {}

  /**
   * Items a second of {@code callers} that call for {@code duration}; each ends its last call.
   *
   * @param executor runs the callers; with fewer threads than callers, the others never start
   * @throws CompletionException if a call fails
   */
  static double itemsPerSecond(
      int callers, Duration duration, ExecutorService executor, LongSupplier nanoTime, Call call) {
    AtomicLong index = new AtomicLong();
    AtomicLong items = new AtomicLong();
    long start = nanoTime.getAsLong();
    long end = start + duration.toNanos();
    List<Future<?>> futures = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      futures.add(
          executor.submit(
              () -> {
                while (nanoTime.getAsLong() < end) {
                  items.addAndGet(call.items(index.getAndIncrement()));
                }
                return null;
              }));
    }
    for (Future<?> future : futures) {
      try {
        future.get();
      } catch (ExecutionException e) {
        throw new CompletionException(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CompletionException(e);
      }
    }
    return items.get() * 1e9 / (nanoTime.getAsLong() - start);
  }
}
