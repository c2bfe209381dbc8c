package io.ballast.kit.grpc;

import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/** A call's way out: one writer at a time, waits while the client is not ready. Thread-safe. */
final class ObserverSink<T> implements Replies.Sink<T> {
  private final StreamObserver<T> observer;
  private final @Nullable ServerCallStreamObserver<T> call;
  private final Context context;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<Runnable> onCancel = new ArrayList<>();
  private volatile boolean left; // read without the lock
  private boolean over;

  /** Must be made on the thread that delivered the call: handlers may not be set later. */
  ObserverSink(StreamObserver<T> observer, Context context) {
    this.observer = observer;
    this.context = context;
    this.call = observer instanceof ServerCallStreamObserver<T> c ? c : null;
    if (call != null) {
      call.setOnCancelHandler(this::leave);
      call.setOnReadyHandler(this::wake);
    }
    context.addListener(c -> leave(), Runnable::run);
  }

  @Override
  public void send(T item) {
    lock.lock();
    try {
      awaitReady();
      if (cancelled() || over) {
        throw Status.CANCELLED.withDescription("the caller left").asRuntimeException();
      }
      observer.onNext(item);
    } finally {
      lock.unlock();
    }
  }

  /** Whether {@link #send} would wait for the client now. */
  boolean wouldWait() {
    return !cancelled() && call != null && !call.isReady();
  }

  /** Waits while the client is not ready, unless it has left. */
  void awaitReady() {
    lock.lock();
    try {
      while (wouldWait()) {
        changed.await();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw Status.CANCELLED.withDescription("the server is stopping").asRuntimeException();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Sends the only item and ends the call well: there is nothing to wait for. A call that its
   * caller has left gets neither: grpc-java takes an end without an answer for a mistake, and logs
   * it.
   *
   * @return whether the item was sent
   */
  boolean answer(T item) {
    lock.lock();
    try {
      if (over || cancelled()) {
        return false;
      }
      observer.onNext(item); // may throw; then the call still has to be failed
      over = true;
      observer.onCompleted();
      return true;
    } finally {
      lock.unlock();
    }
  }

  @Override
  public boolean cancelled() {
    return left || context.isCancelled() || (call != null && call.isCancelled());
  }

  @Override
  public void onCancel(Runnable action) {
    boolean now;
    lock.lock();
    try {
      now = cancelled();
      if (!now) {
        onCancel.add(action);
      }
    } finally {
      lock.unlock();
    }
    if (now) {
      action.run();
    }
  }

  /**
   * Ends the call well, unless its caller has left; the first end counts.
   *
   * @return whether the call has ended well, now or before
   */
  boolean complete() {
    lock.lock();
    try {
      if (over) {
        return true;
      }
      if (cancelled()) {
        return false;
      }
      over = true;
      observer.onCompleted();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /** Ends the call with an error; the first end counts. */
  boolean fail(Throwable error) {
    lock.lock();
    try {
      if (over) {
        return false;
      }
      over = true;
      observer.onError(error);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void wake() {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  private void leave() {
    List<Runnable> actions;
    lock.lock();
    try {
      left = true;
      actions = over ? List.of() : List.copyOf(onCancel); // a Context also ends after a good end
      onCancel.clear();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    actions.forEach(Runnable::run);
  }
}
