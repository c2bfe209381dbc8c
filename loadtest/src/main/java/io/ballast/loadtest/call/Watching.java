package io.ballast.loadtest.call;

import com.google.common.util.concurrent.FutureCallback;
import com.google.common.util.concurrent.Futures;
import com.google.common.util.concurrent.ListenableFuture;
import com.google.common.util.concurrent.MoreExecutors;
import io.ballast.loadtest.openloop.Outcome;
import io.grpc.Status;
import java.util.function.Consumer;
import java.util.function.Function;

/** Tells how a call ended, once its answer is there. */
final class Watching {
  private Watching() {}

  /** Tells {@code done} what {@code outcome} says of the answer, or with which status it failed. */
  static <T> void watch(
      ListenableFuture<T> answer, Function<T, Outcome> outcome, Consumer<Outcome> done) {
    Futures.addCallback(
        answer,
        new FutureCallback<T>() {
          @Override
          public void onSuccess(T result) {
            done.accept(judged(outcome, result));
          }

          @Override
          public void onFailure(Throwable thrown) {
            done.accept(failed(thrown));
          }
        },
        MoreExecutors.directExecutor());
  }

  /** What is said of an answer; whoever cannot say it has not judged the mesh. */
  private static <T> Outcome judged(Function<T, Outcome> outcome, T answer) {
    try {
      return outcome.apply(answer);
    } catch (RuntimeException e) { // thrown on, it would be logged, and the call never end
      return Outcome.failed("CLIENT_" + e.getClass().getSimpleName());
    }
  }

  /** A failure with its status. */
  static Outcome failed(Throwable thrown) {
    return Outcome.failed(Status.fromThrowable(thrown).getCode().name());
  }
}
