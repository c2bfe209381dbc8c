package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What callers get from a server that takes no more calls than they have under way. */
class VirtualThreadRepliesTest {
  /** A call whose next request is there the moment that it is asked for. */
  private static final class Eager extends ServerCallStreamObserver<Integer> {
    final List<Integer> answers = new ArrayList<>();
    final CompletableFuture<List<Integer>> end = new CompletableFuture<>();
    private final int requests;
    private int asked;
    private int delivered;
    private @Nullable StreamObserver<Integer> inbound;

    Eager(int requests) {
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

  /** Does something when it has its answer. */
  private record Answered(CompletableFuture<Integer> answer, Runnable then)
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

  @Test
  void whoHasItsAnswerMayCallAgainAtOnce() {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      CompletableFuture<Integer> second = new CompletableFuture<>();
      replies.unary(
          new Answered(
              new CompletableFuture<>(),
              () -> replies.unary(new Answered(second, () -> {}), () -> 2)),
          () -> 1);
      assertThat(second.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(2);
    }
  }

  @Test
  void soMayWhoseStreamHasEnded() {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      CompletableFuture<Integer> afterAnswers = new CompletableFuture<>();
      replies.stream(
          new Answered(
              new CompletableFuture<>(),
              () -> replies.unary(new Answered(afterAnswers, () -> {}), () -> 2)),
          sink -> sink.send(1));
      assertThat(afterAnswers.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(2);

      CompletableFuture<Integer> afterRequests = new CompletableFuture<>();
      CountDownLatch allSent = new CountDownLatch(1);
      StreamObserver<Integer> requests =
          replies.bidirectional(
              new Answered(
                  new CompletableFuture<>(),
                  () -> replies.unary(new Answered(afterRequests, () -> {}), () -> 4)),
              1,
              (request, sink) -> {
                allSent.await(); // so that its answer ends the call
                sink.send(request);
              });
      requests.onNext(3);
      requests.onCompleted();
      allSent.countDown();
      assertThat(afterRequests.orTimeout(10, TimeUnit.SECONDS).join()).isEqualTo(4);
    }
  }

  @Test
  void oneKindOfTroubleHidesNoOther() {
    MeshServerCase.Recorded log = MeshServerCase.Recorded.of(VirtualThreadReplies.class.getName());
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      for (Fault fault :
          List.of(Fault.FORBIDDEN, Fault.DEPENDENCY_DOWN, Fault.FORBIDDEN, Fault.DEPENDENCY_DOWN)) {
        trouble(replies, fault);
      }
    } finally {
      log.stop();
    }
    assertThat(log.messages).filteredOn(line -> line.startsWith("WARN")).hasSize(2);
  }

  @Test
  void troubleAfterAnAnswerIsNews() {
    MeshServerCase.Recorded log = MeshServerCase.Recorded.of(VirtualThreadReplies.class.getName());
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      trouble(replies, Fault.DEPENDENCY_DOWN);
      CompletableFuture<Integer> again = new CompletableFuture<>();
      replies.unary(
          new Answered(
              new CompletableFuture<>(),
              () -> { // as soon as the caller has its answer, before its call is cleared away
                trouble(replies, Fault.DEPENDENCY_DOWN);
                again.complete(2);
              }),
          () -> 1);
      assertThat(again.orTimeout(20, TimeUnit.SECONDS).join()).isEqualTo(2);
    } finally {
      log.stop();
    }
    assertThat(log.messages).filteredOn(line -> line.startsWith("WARN")).hasSize(2);
  }

  private static void trouble(VirtualThreadReplies replies, Fault fault) {
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    replies.unary(
        new Answered(answer, () -> {}),
        () -> {
          throw new MeshException(fault, "trouble");
        });
    assertThat(answer.orTimeout(10, TimeUnit.SECONDS)).failsWithin(Duration.ofSeconds(10));
  }

  @Test
  void aRequestFindsThePlaceOfTheOneBeforeItFree() {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      Eager call = new Eager(50);
      call.connect(
          replies.<Integer, Integer>bidirectional(
              call, 1, (request, sink) -> sink.send(10 * request)));
      assertThat(call.end.orTimeout(10, TimeUnit.SECONDS).join())
          .isEqualTo(IntStream.range(0, 50).mapToObj(i -> 10 * i).toList());
    }
  }

  /** Waits for {@code next}, and answers with it. */
  private static CompletableFuture<Integer> waiting(
      VirtualThreadReplies replies, CompletableFuture<Integer> next) throws InterruptedException {
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    CountDownLatch idle = new CountDownLatch(1);
    replies.stream(
        new Answered(answer, () -> {}),
        sink ->
            sink.send(
                sink.idle(
                    () -> {
                      idle.countDown();
                      return next.get();
                    })));
    idle.await();
    return answer;
  }

  @Test
  void streamsThatWaitForTheirCallersKeepNobodyOut() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      CompletableFuture<Integer> first = new CompletableFuture<>();
      CompletableFuture<Integer> second = new CompletableFuture<>();
      CompletableFuture<Integer> ofFirst = waiting(replies, first);
      CompletableFuture<Integer> ofSecond = waiting(replies, second);

      CompletableFuture<Integer> other = new CompletableFuture<>();
      replies.unary(new Answered(other, () -> {}), () -> 3);
      assertThat(other.get(10, TimeUnit.SECONDS)).isEqualTo(3);

      second.complete(2);
      assertThat(ofSecond.get(10, TimeUnit.SECONDS)).isEqualTo(2);
      assertThat(ofFirst).as("of a caller that has said nothing").isNotDone();
    }
  }

  @Test
  void aStreamThatFindsNoRoomWhenItsCallerGoesOnIsRefused() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 1)) {
      CompletableFuture<Integer> next = new CompletableFuture<>();
      CompletableFuture<Integer> streamed = waiting(replies, next);
      CompletableFuture<Integer> release = new CompletableFuture<>();
      CompletableFuture<Integer> held = new CompletableFuture<>();
      CountDownLatch inside = new CountDownLatch(1);
      replies.unary(
          new Answered(held, () -> {}),
          () -> {
            inside.countDown();
            return release.get();
          });
      inside.await();

      next.complete(1);
      assertThat(streamed)
          .failsWithin(Duration.ofSeconds(10))
          .withThrowableOfType(ExecutionException.class)
          .withMessageContaining("RESOURCE_EXHAUSTED: 1 calls are under way, the limit; slow down");
      release.complete(2);
      assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo(2);

      CompletableFuture<Integer> after = new CompletableFuture<>();
      replies.unary(new Answered(after, () -> {}), () -> 3);
      assertThat(after.get(10, TimeUnit.SECONDS)).as("its place is there once").isEqualTo(3);
    }
  }
}
