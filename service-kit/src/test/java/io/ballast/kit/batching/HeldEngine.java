package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.Semaphore;

/**
 * An engine that echoes its items as {@code key:item}, one batch at a time and only when a test
 * lets it. It throws at an item that is {@code bad}, and cannot run anything at one that is {@code
 * away}.
 */
final class HeldEngine implements BatchEngine<String, String, String> {
  private final Semaphore permits = new Semaphore(0);
  private final BlockingQueue<List<BatchGroup<String, String>>> entered =
      new LinkedBlockingQueue<>();
  private final List<List<BatchGroup<String, String>>> batches = new ArrayList<>();
  private final List<CallPatience> callers = new ArrayList<>();
  private boolean closed;

  /** Waits until a worker has brought a batch, and returns it; it is held still. */
  List<BatchGroup<String, String>> awaitBatch() throws InterruptedException {
    return entered.take();
  }

  /** Lets so many batches go, now or when they come. */
  void release(int count) {
    permits.release(count);
  }

  /** The keys of every batch so far, in the order in which they came. */
  synchronized List<List<String>> keys() {
    return batches.stream().map(batch -> batch.stream().map(BatchGroup::key).toList()).toList();
  }

  /** Who waited for the last batch that came. */
  synchronized CallPatience callers() {
    return callers.getLast();
  }

  /** Who waited for each batch, in the order in which they came. */
  synchronized List<CallPatience> allCallers() {
    return List.copyOf(callers);
  }

  synchronized boolean closed() {
    return closed;
  }

  @Override
  public List<List<String>> run(List<BatchGroup<String, String>> groups, CallPatience waiting) {
    synchronized (this) {
      callers.add(waiting);
      batches.add(groups);
    }
    entered.add(groups);
    permits.acquireUninterruptibly();
    List<List<String>> results = new ArrayList<>();
    for (BatchGroup<String, String> group : groups) {
      if (group.items().contains("no memory")) {
        throw new OutOfMemoryError("no memory");
      }
      if (group.items().contains("bad")) {
        throw new IllegalStateException("it is bad");
      }
      if (group.items().contains("away")) {
        throw new MeshException(Fault.DEPENDENCY_DOWN, "the engine is away");
      }
      results.add(group.items().stream().map(item -> group.key() + ":" + item).toList());
    }
    return results;
  }

  @Override
  public synchronized void close() {
    closed = true;
  }
}
