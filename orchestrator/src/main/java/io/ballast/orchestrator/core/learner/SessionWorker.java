package io.ballast.orchestrator.core.learner;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Faults;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/**
 * The one thread that works on a session's weights, in the order of the calls. Its queue is
 * bounded: a full one refuses.
 */
final class SessionWorker implements AutoCloseable {
  private final String session;
  private final int maxQueued;
  private final ThreadPoolExecutor thread;

  /**
   * @param session whose weights they are
   * @param maxQueued how many operations may wait, ≥ 1
   */
  SessionWorker(String session, int maxQueued) {
    this.session = session;
    this.maxQueued = maxQueued;
    this.thread =
        new ThreadPoolExecutor(
            1,
            1,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(maxQueued),
            Thread.ofPlatform().daemon().name("learner-" + session).factory());
  }

  /**
   * Does {@code work} as {@code operation} when its turn comes.
   *
   * @throws MeshException OVERLOADED; UNKNOWN_RESOURCE if it is closed
   */
  <T> void enqueue(Operation<T> operation, Supplier<T> work) {
    try {
      thread.execute(new Queued<>(operation, work));
    } catch (RejectedExecutionException e) {
      if (thread.isShutdown()) {
        throw Faults.unknown("session", session);
      }
      throw new MeshException(
          Fault.OVERLOADED,
          "%d operations are waiting in session %s, limit %d"
              .formatted(maxQueued, session, maxQueued),
          Map.of("limit", Integer.toString(maxQueued)));
    }
  }

  private record Queued<T>(Operation<T> operation, Supplier<T> work) implements Runnable {
    @Override
    public void run() {
      operation.run(work);
    }
  }

  /** Whether work is waiting or under way. */
  boolean busy() {
    return thread.getActiveCount() > 0 || !thread.getQueue().isEmpty();
  }

  /** Lets what is under way end, and takes back what waits. */
  @Override
  public void close() {
    thread.shutdown();
    List<Runnable> waiting = new ArrayList<>();
    thread.getQueue().drainTo(waiting);
    for (Runnable queued : waiting) {
      if (queued instanceof Queued<?>(Operation<?> operation, Supplier<?> _)) {
        operation.cancel();
      }
    }
    boolean interrupted = false;
    while (!thread.isTerminated()) {
      try {
        var unused = thread.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true; // weights must not be freed under its hands
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
