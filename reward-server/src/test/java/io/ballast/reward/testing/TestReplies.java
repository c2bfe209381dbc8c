package io.ballast.reward.testing;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Replies;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;

/** Replies on virtual threads, with as much of the mesh's table of errors as these tests need. */
public final class TestReplies implements Replies {
  @Override
  public <T> void unary(StreamObserver<T> observer, Callable<T> work) {
    onVirtualThread(
        observer,
        () -> {
          observer.onNext(work.call());
          observer.onCompleted();
        });
  }

  @Override
  public <T> void stream(StreamObserver<T> observer, StreamWork<T> work) {
    ServerCallStreamObserver<T> call = (ServerCallStreamObserver<T>) observer;
    call.setOnCancelHandler(() -> {});
    Context context = Context.current();
    onVirtualThread(
        observer,
        () -> {
          work.run(
              new Sink<T>() {
                @Override
                public void send(T item) {
                  if (call.isCancelled()) {
                    throw Status.CANCELLED.asRuntimeException();
                  }
                  call.onNext(item);
                }

                @Override
                public boolean cancelled() {
                  return call.isCancelled();
                }

                @Override
                public void onCancel(Runnable action) {
                  context.addListener(cancelled -> action.run(), Runnable::run);
                }
              });
          if (!call.isCancelled()) {
            observer.onCompleted();
          }
        });
  }

  private interface Work {
    void run() throws Exception;
  }

  private static void onVirtualThread(StreamObserver<?> observer, Work work) {
    Runnable guarded =
        () -> {
          try {
            work.run();
          } catch (Throwable e) { // the observer must hear of everything
            observer.onError(status(e).withCause(e).asRuntimeException());
          }
        };
    var unused = Thread.startVirtualThread(Context.current().wrap(guarded));
  }

  private static Status status(Throwable e) {
    return switch (e) {
      case MeshException known -> status(known).withDescription(known.getMessage());
      case CancellationException gone -> Status.CANCELLED;
      default -> Status.INTERNAL.withDescription(String.valueOf(e));
    };
  }

  private static Status status(MeshException e) {
    return switch (e.fault()) {
      case MALFORMED_REQUEST -> Status.INVALID_ARGUMENT;
      case UNKNOWN_MODEL, UNKNOWN_RESOURCE -> Status.NOT_FOUND;
      case ALREADY_EXISTS -> Status.ALREADY_EXISTS;
      case VERSION_CONFLICT -> Status.ABORTED;
      case SAFETY_GATE_CLOSED, PRECONDITION_FAILED -> Status.FAILED_PRECONDITION;
      case OVERLOADED -> Status.RESOURCE_EXHAUSTED;
      case MODEL_LOADING, DEPENDENCY_DOWN -> Status.UNAVAILABLE;
      case DEPENDENCY_BROKEN -> Status.INTERNAL;
      case CORRUPT_WEIGHTS -> Status.DATA_LOSS;
      case NOT_IMPLEMENTED -> Status.UNIMPLEMENTED;
    };
  }
}
