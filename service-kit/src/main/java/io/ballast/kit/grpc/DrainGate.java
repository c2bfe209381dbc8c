package io.ballast.kit.grpc;

import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.Status;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Counts the calls that are under way; once closed, refuses new ones. Calls that servers of this
 * process make to each other pass uncounted: a suggestion under way still needs its cost.
 */
final class DrainGate implements ServerInterceptor {
  /** Says which process calls; only the process itself knows its own value. */
  static final Metadata.Key<String> PROCESS =
      Metadata.Key.of("x-ballast-process", Metadata.ASCII_STRING_MARSHALLER);

  /** This process. */
  static final String THIS_PROCESS = UUID.randomUUID().toString();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private int underWay;
  private boolean closed;

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    if (THIS_PROCESS.equals(headers.get(PROCESS)) || isInfrastructure(call)) {
      return next.startCall(call, headers);
    }
    if (!enter()) {
      call.close(
          Status.UNAVAILABLE.withDescription("the server is stopping; nothing was done"),
          new Metadata());
      return new ServerCall.Listener<>() {};
    }
    AtomicBoolean left = new AtomicBoolean();
    try {
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        @Override
        public void onComplete() {
          leave(left);
          super.onComplete();
        }

        @Override
        public void onCancel() {
          leave(left);
          super.onCancel();
        }
      };
    } catch (RuntimeException | Error e) {
      leave(left);
      throw e;
    }
  }

  /** Refuses calls from now on, and waits for those under way. Whether all have ended. */
  boolean close(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      closed = true;
      long left = patience.toNanos();
      while (underWay > 0 && left > 0) {
        left = idle.awaitNanos(left);
      }
      return underWay == 0;
    } finally {
      lock.unlock();
    }
  }

  private boolean enter() {
    lock.lock();
    try {
      if (!closed) {
        underWay++;
      }
      return !closed;
    } finally {
      lock.unlock();
    }
  }

  private void leave(AtomicBoolean left) {
    if (!left.compareAndSet(false, true)) {
      return;
    }
    lock.lock();
    try {
      underWay--;
      idle.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Health is watched and services are listed for as long as a client likes. */
  private static boolean isInfrastructure(ServerCall<?, ?> call) {
    String service = call.getMethodDescriptor().getServiceName();
    return service != null && service.startsWith("grpc.");
  }
}
