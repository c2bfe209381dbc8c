package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers get from a server that takes no more calls than they have under way. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class VirtualThreadRepliesTest {
  /** A call whose next request is there the moment that it is asked for. */
  private static class Eager extends ServerCallStreamObserver<Integer> {
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

  /** A call whose client reads when the test says so. */
  private static final class Unready extends Eager {
    private volatile Runnable onReady = () -> {};
    private volatile boolean ready;

    Unready() {
      super(0);
    }

    @Override
    public boolean isReady() {
      return ready;
    }

    @Override
    public void setOnReadyHandler(Runnable handler) {
      onReady = handler;
    }

    void makeReady() {
      ready = true;
      onReady.run();
    }
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

  @Test
  void aStreamIsReadNoFurtherThanItsRequestsTakeMemory() {
    Shares room = new Shares(64 << 20, false);
    HeldRequest held =
        new HeldRequest(
            new HeldRequests(64 << 20, new SimpleMeterRegistry()),
            "a.Service/Method",
            Long.MAX_VALUE);
    assertThat(held.enter(room, "", 0, false)).isTrue();
    AtomicInteger delivered = new AtomicInteger();
    Semaphore answers = new Semaphore(0);
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("reward-server"), 64)) {
      Eager call = new Eager(12);
      held.filterContext(Context.ROOT)
          .run(
              () -> {
                StreamObserver<Integer> requests =
                    replies.bidirectional(
                        call,
                        64,
                        (request, sink) -> {
                          answers.acquire();
                          sink.send(request);
                        });
                call.connect(
                    new StreamObserver<>() {
                      @Override
                      public void onNext(Integer request) {
                        assertThat(held.objects(1 << 20)).isTrue();
                        delivered.incrementAndGet();
                        requests.onNext(request);
                      }

                      @Override
                      public void onError(Throwable error) {
                        requests.onError(error);
                      }

                      @Override
                      public void onCompleted() {
                        requests.onCompleted();
                      }
                    });
              });
      assertThat(delivered.get()).as("4 of 1 MiB each").isEqualTo(4);
      for (int read = 5; read <= 12; read++) {
        answers.release();
        while (delivered.get() < read) {
          Thread.onSpinWait();
        }
        assertThat(delivered.get()).isEqualTo(read);
        assertThat(room.held()).isEqualTo(4 << 20);
      }
      answers.release(4);
      assertThat(call.end.orTimeout(10, TimeUnit.SECONDS).join()).hasSize(12);
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

  /** Follows until {@code news} has come, and has answered with it when it has ended. */
  private static CompletableFuture<List<Integer>> following(
      VirtualThreadReplies replies, CompletableFuture<Integer> news) throws InterruptedException {
    Eager call = new Eager(0);
    CountDownLatch idle = new CountDownLatch(1);
    replies.follow(
        call,
        sink -> {
          sink.idle(
              () -> {
                idle.countDown();
                var unused = news.join();
              });
          sink.send(news.join());
        });
    idle.await();
    return call.end;
  }

  /** Whether there is room for a call. */
  private static boolean isAnswered(VirtualThreadReplies replies) {
    CompletableFuture<Integer> answer = new CompletableFuture<>();
    replies.unary(new Answered(answer, () -> {}), () -> 3);
    return answer.handle((value, refused) -> refused == null).join();
  }

  @Test
  void streamsThatFollowKeepNobodyOutAndAllHearTheNews() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 1)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      List<CompletableFuture<List<Integer>>> followers = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        followers.add(following(replies, news));
      }
      assertThat(isAnswered(replies)).as("a call beside them").isTrue();

      news.complete(7); // wakes all of them at once; none is refused
      for (CompletableFuture<List<Integer>> follower : followers) {
        assertThat(follower.get(10, TimeUnit.SECONDS)).containsExactly(7);
      }
      assertThat(isAnswered(replies)).as("a call after them").isTrue();
    }
  }

  @Test
  void followersThatAreWokenTogetherTakeOnePlaceInEight() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 16)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CountDownLatch idle = new CountDownLatch(10);
      CountDownLatch working = new CountDownLatch(2);
      CompletableFuture<Integer> goOn = new CompletableFuture<>();
      AtomicInteger atWork = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<Eager> calls = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        Eager call = new Eager(0);
        calls.add(call);
        replies.follow(
            call,
            sink -> {
              sink.idle(
                  () -> {
                    idle.countDown();
                    var unused = news.join();
                  });
              most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
              working.countDown();
              int value = goOn.join();
              atWork.decrementAndGet();
              sink.send(value);
            });
      }
      idle.await();
      news.complete(1);
      working.await();
      assertThat(isAnswered(replies)).as("a call beside them").isTrue();

      goOn.complete(2);
      for (Eager call : calls) {
        assertThat(call.end.get(10, TimeUnit.SECONDS)).containsExactly(2);
      }
      assertThat(most).hasValue(2); // 16 / 8
    }
  }

  @Test
  void aFollowerWaitsForAPlaceWhereTheServerIsFull() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 1)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CompletableFuture<List<Integer>> follower = following(replies, news);
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

      news.complete(1);
      release.complete(2);
      assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo(2);
      assertThat(follower.get(10, TimeUnit.SECONDS)).containsExactly(1);
      assertThat(isAnswered(replies)).as("a call after it").isTrue();
    }
  }

  /** A call whose client leaves when the test says so, after it was looked at once more. */
  private static final class Leaving extends Eager {
    final CountDownLatch looked = new CountDownLatch(1);
    private volatile Runnable onCancel = () -> {};
    private volatile boolean watched;
    private volatile boolean left;

    Leaving() {
      super(0);
    }

    /** Notices from now on who asks whether the client has left. */
    void watch() {
      watched = true;
    }

    @Override
    public boolean isCancelled() {
      boolean now = left;
      if (watched) {
        looked.countDown();
      }
      return now;
    }

    @Override
    public void setOnCancelHandler(Runnable handler) {
      onCancel = handler;
    }

    void leave() {
      left = true;
      onCancel.run();
    }
  }

  /** Follows until {@code news} has come. */
  private static Leaving leaving(VirtualThreadReplies replies, CompletableFuture<Integer> news)
      throws InterruptedException {
    Leaving call = new Leaving();
    CountDownLatch idle = new CountDownLatch(1);
    replies.follow(
        call,
        sink -> {
          sink.idle(
              () -> {
                idle.countDown();
                var unused = news.join();
                call.watch();
              });
          if (!sink.cancelled()) {
            sink.send(news.join());
          }
        });
    idle.await();
    return call;
  }

  private static void assertEndsWhenItsClientLeaves(Leaving call) throws InterruptedException {
    call.looked.await(); // it has found its client there, and waits next
    call.leave();
    assertThat(call.end)
        .failsWithin(Duration.ofSeconds(20))
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("CANCELLED");
    assertThat(call.answers).isEmpty();
  }

  @Test
  void aFollowerWhoseClientLeavesWaitsForNoTurn() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 2, 2)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CompletableFuture<Integer> goOn = new CompletableFuture<>();
      CountDownLatch working = new CountDownLatch(1);
      Eager first = new Eager(0);
      replies.follow(
          first,
          sink -> {
            sink.idle(() -> {});
            working.countDown();
            sink.send(goOn.join());
          });
      working.await(); // with the only turn
      Leaving second = leaving(replies, news);
      news.complete(1);

      assertEndsWhenItsClientLeaves(second);

      Eager third = new Eager(0);
      replies.follow(third, sink -> sink.send(3));
      assertThat(third.end.get(10, TimeUnit.SECONDS)).as("in its place").containsExactly(3);
      goOn.complete(2);
      assertThat(first.end.get(10, TimeUnit.SECONDS)).containsExactly(2);
      assertThat(following(replies, news).get(10, TimeUnit.SECONDS)).containsExactly(1);
    }
  }

  @Test
  void norForAPlaceWhereTheServerIsFull() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 1, 1)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      Leaving follower = leaving(replies, news);
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
      news.complete(1);

      assertEndsWhenItsClientLeaves(follower);

      release.complete(2);
      assertThat(held.get(10, TimeUnit.SECONDS)).isEqualTo(2);
      assertThat(following(replies, news).get(10, TimeUnit.SECONDS)).containsExactly(1);
      assertThat(isAnswered(replies)).as("a call after it").isTrue();
    }
  }

  @Test
  void oneStreamThatWaitsTooManyIsRefusedUntilAnotherEnds() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 4, 2)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CompletableFuture<Integer> next = new CompletableFuture<>();
      CompletableFuture<List<Integer>> follower = following(replies, news);
      CompletableFuture<Integer> streamed = waiting(replies, next);

      Eager third = new Eager(0);
      replies.follow(third, sink -> sink.send(3));
      assertTooManyStreams(third);
      Eager fourth = new Eager(0);
      replies.stream(fourth, sink -> sink.send(sink.idle(() -> 4)));
      assertTooManyStreams(fourth);
      Eager other = new Eager(0);
      replies.stream(other, sink -> sink.send(5));
      assertThat(other.end.get(10, TimeUnit.SECONDS)).as("it does not wait").containsExactly(5);

      news.complete(1);
      assertThat(follower.get(10, TimeUnit.SECONDS)).containsExactly(1);
      Eager after = new Eager(0);
      replies.follow(after, sink -> sink.send(6));
      assertThat(after.end.get(10, TimeUnit.SECONDS)).containsExactly(6);
      next.complete(2);
      assertThat(streamed.get(10, TimeUnit.SECONDS)).isEqualTo(2);
    }
  }

  private static void assertTooManyStreams(Eager call) {
    assertThat(call.end)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableOfType(ExecutionException.class)
        .withMessageContaining("RESOURCE_EXHAUSTED: 2 streams wait, the limit; come back later");
    assertThat(call.answers).isEmpty();
  }

  @Test
  void aFollowerWhoseClientDoesNotReadKeepsNobodyOut() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 1)) {
      Unready call = new Unready();
      replies.follow(call, sink -> sink.send(1));
      while (!isAnswered(replies)) { // until it has found that its client is not ready
        Thread.onSpinWait();
      }

      call.makeReady();
      assertThat(call.end.get(10, TimeUnit.SECONDS)).containsExactly(1);
    }
  }
}
