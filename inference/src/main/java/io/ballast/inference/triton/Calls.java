package io.ballast.inference.triton;

import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.MethodDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.ClientResponseObserver;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Calls of one channel, each with a deadline; what goes wrong is judged by TritonErrors. */
record Calls(Channel channel) {
  /** Returns the answer, waiting for it; {@code subject} begins the message of a failure. */
  <Q, A> A unary(MethodDescriptor<Q, A> method, Q request, Duration deadline, String subject) {
    return unary(method, request, deadline(deadline), subject);
  }

  <Q, A> A unary(MethodDescriptor<Q, A> method, Q request, Deadline deadline, String subject) {
    try {
      return ClientCalls.blockingUnaryCall(channel, method, options(deadline), request);
    } catch (StatusRuntimeException e) {
      throw TritonErrors.of(e, subject);
    }
  }

  /** Returns the answer to come; cancelling it cancels the call. */
  <Q, A> CompletableFuture<A> future(
      MethodDescriptor<Q, A> method, Q request, Deadline deadline, String subject) {
    FutureObserver<Q, A> observer = new FutureObserver<>(subject);
    ClientCalls.asyncUnaryCall(channel.newCall(method, options(deadline)), request, observer);
    return observer.future;
  }

  /** Returns the nearer of {@code from now} and the calling context's own deadline. */
  static Deadline deadline(Duration fromNow) {
    Deadline own = Deadline.after(fromNow.toNanos(), TimeUnit.NANOSECONDS);
    Deadline callers = Context.current().getDeadline();
    return callers == null ? own : own.minimum(callers);
  }

  static CallOptions options(Deadline deadline) {
    return CallOptions.DEFAULT.withDeadline(deadline);
  }

  private static final class FutureObserver<Q, A> implements ClientResponseObserver<Q, A> {
    private final CompletableFuture<A> future = new CompletableFuture<>();
    private final String subject;
    private @Nullable A answer;

    FutureObserver(String subject) {
      this.subject = subject;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<Q> requests) {
      var unused =
          future.whenComplete(
              (answered, failure) -> {
                if (future.isCancelled()) {
                  requests.cancel("the caller left", null);
                }
              });
    }

    @Override
    public void onNext(A value) {
      answer = value;
    }

    @Override
    public void onError(Throwable failure) {
      future.completeExceptionally(
          TritonErrors.of(Status.fromThrowable(failure), subject, failure));
    }

    @Override
    public void onCompleted() {
      if (answer == null) {
        future.completeExceptionally(
            new TritonException(
                TritonException.Reason.WRONG_ANSWER, subject + ": the call ended without answer"));
      } else {
        future.complete(answer);
      }
    }
  }
}
