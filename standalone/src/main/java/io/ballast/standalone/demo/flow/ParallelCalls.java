package io.ballast.standalone.demo.flow;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import java.util.function.IntConsumer;

/** Makes calls that block side by side, a bounded number at a time. */
final class ParallelCalls {
  private ParallelCalls() {}

  /**
   * Returns what {@code call} makes of each item, in their order; the first failure ends it all.
   *
   * @param atATime ≥ 1
   * @param done hears after each call how many are done, from several threads
   */
  static <T, R> List<R> map(List<T> items, int atATime, Function<T, R> call, IntConsumer done) {
    AtomicInteger count = new AtomicInteger();
    List<R> results = new ArrayList<>(items.size());
    ExecutorService threads =
        Executors.newFixedThreadPool(atATime, Thread.ofVirtual().name("demo-", 0).factory());
    try {
      List<Future<R>> underWay = new ArrayList<>(items.size());
      for (T item : items) {
        underWay.add(
            threads.submit(
                () -> {
                  R result = call.apply(item);
                  done.accept(count.incrementAndGet());
                  return result;
                }));
      }
      for (Future<R> future : underWay) {
        results.add(await(future));
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  /** Returns the result, or throws what the work threw. */
  static <R> R await(Future<R> future) {
    try {
      return future.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      if (e.getCause() instanceof Error cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
