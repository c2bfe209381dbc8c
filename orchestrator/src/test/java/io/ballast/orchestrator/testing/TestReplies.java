package io.ballast.orchestrator.testing;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Replies;
import io.grpc.Context;
import io.grpc.Status;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Answers on virtual threads; faults become the codes of the mesh's table. */
public final class TestReplies implements Replies, AutoCloseable {
  private final ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor();

  @Override
  public <T> void unary(StreamObserver<T> observer, Callable<T> work) {
    executor.execute(
        Context.current()
            .wrap(
                () -> {
                  T answer;
                  try {
                    answer = work.call();
                  } catch (Throwable e) {
                    observer.onError(statusOf(e).asRuntimeException());
                    return;
                  }
                  observer.onNext(answer);
                  observer.onCompleted();
                }));
  }

  @Override
  public <T> void stream(StreamObserver<T> observer, StreamWork<T> work) {
    ServerCallStreamObserver<T> call = (ServerCallStreamObserver<T>) observer;
    List<Runnable> onCancel = new ArrayList<>();
    call.setOnCancelHandler(() -> onCancel.forEach(Runnable::run));
    executor.execute(
        Context.current()
            .wrap(
                () -> {
                  try {
                    work.run(new CallSink<>(call, onCancel));
                    call.onCompleted();
                  } catch (Throwable e) {
                    if (!call.isCancelled()) {
                      call.onError(statusOf(e).asRuntimeException());
                    }
                  }
                }));
  }

  private record CallSink<T>(ServerCallStreamObserver<T> call, List<Runnable> onCancel)
      implements Sink<T> {
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
      onCancel.add(action);
    }
  }

  private static Status statusOf(Throwable e) {
    if (e instanceof CancellationException) {
      return Status.CANCELLED.withCause(e);
    }
    if (!(e instanceof MeshException known)) {
      return Status.INTERNAL.withDescription(String.valueOf(e)).withCause(e);
    }
    Status status =
        switch (known.fault()) {
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
    return status.withDescription(known.getMessage()).withCause(e);
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }
}
