package io.ballast.kit.grpc;

import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A call whose next request is there the moment that it is asked for. */
class EagerCall extends ServerCallStreamObserver<Integer> {
  final List<Integer> answers = new ArrayList<>();
  final CompletableFuture<List<Integer>> end = new CompletableFuture<>();
  private final int requests;
  private int asked;
  private int delivered;
  private @Nullable StreamObserver<Integer> inbound;

  EagerCall(int requests) {
    this.requests = requests;
  }

  /** Tells where requests go, and delivers those that were asked for before that was known. */
  void connect(StreamObserver<Integer> to) {
    inbound = to;
    deliver();
  }

  @Override
  public void request(int count) {
    asked += count;
    deliver();
  }

  private void deliver() {
    StreamObserver<Integer> to = inbound;
    while (to != null && delivered < asked && delivered < requests) {
      int next = delivered++;
      to.onNext(next);
      if (next == requests - 1) {
        to.onCompleted();
      }
    }
  }

  @Override
  public void onNext(Integer answer) {
    answers.add(answer);
  }

  @Override
  public void onError(Throwable error) {
    end.completeExceptionally(error);
  }

  @Override
  public void onCompleted() {
    end.complete(answers);
  }

  @Override
  public boolean isCancelled() {
    return false;
  }

  @Override
  public boolean isReady() {
    return true;
  }

  @Override
  public void setOnCancelHandler(Runnable handler) {}

  @Override
  public void setOnReadyHandler(Runnable handler) {}

  @Override
  public void disableAutoRequest() {}

  @Override
  public void disableAutoInboundFlowControl() {}

  @Override
  public void setCompression(String compression) {}

  @Override
  public void setMessageCompression(boolean enable) {}
}
