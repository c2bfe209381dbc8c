package io.ballast.kit.grpc;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Knows the calls that are under way; once closed, refuses new ones, and can end those that are
 * left. Nobody waits for calls that servers of this process make to each other, nor are they
 * refused: a suggestion under way still needs its cost.
 */
final class DrainGate implements ServerInterceptor {
  /** Says which process calls; only the process itself knows its own value. */
  static final Metadata.Key<String> PROCESS =
      Metadata.Key.of("x-ballast-process", Metadata.ASCII_STRING_MARSHALLER);

  /** This process. */
  static final String THIS_PROCESS = UUID.randomUUID().toString();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Set<OpenCall<?, ?>> awaited = new HashSet<>();
  private final Set<OpenCall<?, ?>> others = new HashSet<>();
  private boolean closed;

  @Override
  public <Q, A> ServerCall.Listener<Q> interceptCall(
      ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
    Context.CancellableContext context = Context.current().withCancellation();
    OpenCall<Q, A> open = new OpenCall<>(call, context);
    boolean counted =
        !THIS_PROCESS.equals(headers.get(PROCESS)) && !isInfrastructure(call.getMethodDescriptor());
    if (!enter(open, counted)) {
      open.end(
          new MeshException(
              Fault.DEPENDENCY_DOWN, "the server is stopping; nothing was done", Map.of()));
      return new ServerCall.Listener<>() {};
    }
    HeldRequest held = HeldRequest.current();
    if (held != null) {
      held.of(open);
    }
    try {
      return new SimpleForwardingServerCallListener<>(
          Contexts.interceptCall(context, open, headers, next)) {
        @Override
        public void onComplete() {
          leave(open);
          super.onComplete();
        }

        @Override
        public void onCancel() {
          leave(open);
          super.onCancel();
        }
      };
    } catch (RuntimeException | Error e) {
      leave(open);
      throw e;
    }
  }

  /** How many calls {@link #close} would wait for now. */
  int underWay() {
    lock.lock();
    try {
      return awaited.size();
    } finally {
      lock.unlock();
    }
  }

  /** Refuses calls from now on, and waits for those under way. Whether all have ended. */
  boolean close(Duration patience) throws InterruptedException {
    lock.lock();
    try {
      closed = true;
      long left = patience.toNanos();
      while (!awaited.isEmpty() && left > 0) {
        left = idle.awaitNanos(left);
      }
      return awaited.isEmpty();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Ends the calls that {@link #close} waited for in vain: their callers are told {@code why}, and
   * what works for them is cancelled. How many there were.
   */
  int endAwaited(MeshException why) {
    return end(awaited, why);
  }

  /** Ends all calls that are left, those of health checks and of this process too. */
  void endAll(MeshException why) {
    end(awaited, why);
    end(others, why);
  }

  private int end(Set<OpenCall<?, ?>> calls, MeshException why) {
    List<OpenCall<?, ?>> left;
    lock.lock();
    try {
      left = List.copyOf(calls);
    } finally {
      lock.unlock();
    }
    return (int) left.stream().filter(call -> call.end(why)).count();
  }

  private boolean enter(OpenCall<?, ?> call, boolean counted) {
    lock.lock();
    try {
      return counted ? !closed && awaited.add(call) : others.add(call);
    } finally {
      lock.unlock();
    }
  }

  private void leave(OpenCall<?, ?> call) {
    lock.lock();
    try {
      others.remove(call);
      if (awaited.remove(call)) {
        idle.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** Health is watched and services are listed for as long as a client likes. */
  private static boolean isInfrastructure(MethodDescriptor<?, ?> method) {
    String service = method.getServiceName();
    return service != null && service.startsWith("grpc.");
  }
}
