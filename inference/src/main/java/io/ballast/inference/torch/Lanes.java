package io.ballast.inference.torch;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Threads that work side by side, the caller's among them. The others are made when they are first
 * needed, and stay. One caller at a time.
 */
final class Lanes implements AutoCloseable {
  private final String name;
  private final int most;
  private @Nullable ExecutorService threads;

  /**
   * Makes no thread yet.
   *
   * @param name of the threads, which a number follows
   * @param most lanes, the caller's own included; ≥ 1
   */
  Lanes(String name, int most) {
    this.name = name;
    this.most = most;
  }

  /**
   * Works in each lane, the first one on the caller's thread, and returns when all have ended.
   *
   * @param lanes 1 to the most
   * @param work told the number of its lane
   * @param abandon has the others end soon; called once, when one has failed
   * @throws RuntimeException what a lane failed by, if several did the first in time
   */
  void run(int lanes, IntConsumer work, Runnable abandon) {
    AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
    IntConsumer guarded =
        lane -> {
          try {
            work.accept(lane);
          } catch (RuntimeException | Error e) {
            if (failure.compareAndSet(null, e)) {
              abandon.run();
            }
          }
        };
    List<CompletableFuture<?>> others = new ArrayList<>();
    try {
      for (int lane = 1; lane < lanes; lane++) {
        int own = lane;
        others.add(CompletableFuture.runAsync(() -> guarded.accept(own), threads()));
      }
      guarded.accept(0);
    } catch (RuntimeException | Error e) { // an Error too: there may be no thread left
      if (failure.compareAndSet(null, e)) {
        abandon.run();
      }
    }
    others.forEach(CompletableFuture::join);
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException(e);
    }
  }

  private ExecutorService threads() {
    ExecutorService existing = threads;
    if (existing == null) {
      existing =
          Executors.newFixedThreadPool(
              most - 1, Thread.ofPlatform().daemon().name(name + "-", 1).factory());
      threads = existing;
    }
    return existing;
  }

  @Override
  public void close() {
    ExecutorService existing = threads;
    if (existing != null) {
      existing.shutdown();
    }
  }
}
