package io.ballast.kit.grpc;

import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;

/** Does something when it has its answer. */
record Answered(CompletableFuture<Integer> answer, Runnable then)
    implements StreamObserver<Integer> {
  @Override
  public void onNext(Integer value) {
    answer.complete(value);
  }

  @Override
  public void onError(Throwable error) {
    answer.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    then.run();
  }
}
