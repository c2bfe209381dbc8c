package io.ballast.kit.grpc;

import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/** What the client of a stream hears: its answers, one to be taken each, and how it ended. */
final class HeardStream<A> implements StreamObserver<A> {
  private static final long PATIENCE_SECONDS = 30;

  private final Semaphore answers = new Semaphore(0);
  private final CompletableFuture<Status> end = new CompletableFuture<>();

  @Override
  public void onNext(A answer) {
    answers.release();
  }

  @Override
  public void onError(Throwable error) {
    end.complete(Status.fromThrowable(error));
  }

  @Override
  public void onCompleted() {
    end.complete(Status.OK);
  }

  /** Waits for one answer that was not taken yet; whether it came. */
  boolean answered() throws InterruptedException {
    return answers.tryAcquire(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }

  /** Waits for the end. */
  Status end() throws Exception {
    return end.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
  }
}
