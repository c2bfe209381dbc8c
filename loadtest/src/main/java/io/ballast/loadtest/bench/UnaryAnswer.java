package io.ballast.loadtest.bench;

import io.ballast.loadtest.openloop.Outcome;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.function.Consumer;
import java.util.function.Function;

/** Tells of a unary call's one answer, or of its failure. */
record UnaryAnswer<T>(Consumer<Outcome> done, Function<T, Outcome> outcome)
    implements StreamObserver<T> {
  @Override
  public void onNext(T answer) {
    done.accept(outcome.apply(answer));
  }

  @Override
  public void onError(Throwable error) {
    done.accept(Outcome.failed(Status.fromThrowable(error).getCode().name()));
  }

  @Override
  public void onCompleted() {}
}
