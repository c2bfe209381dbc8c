package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Streams that wait, for their callers or for news, keep nobody out. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class WaitingStreamsTest {
  /** A call that has the place that there is, until {@code release}. */
  private record Held(CompletableFuture<Integer> release, CompletableFuture<Integer> answer) {
    static Held by(VirtualThreadReplies replies) throws InterruptedException {
      Held held = new Held(new CompletableFuture<>(), new CompletableFuture<>());
      CountDownLatch inside = new CountDownLatch(1);
      replies.unary(
          new Answered(held.answer, () -> {}),
          () -> {
            inside.countDown();
            return held.release.get();
          });
      inside.await();
      return held;
    }

    void end() throws Exception {
      release.complete(2);
      assertThat(answer.get(10, TimeUnit.SECONDS)).isEqualTo(2);
    }
  }

  /** A call whose client reads when the test says so. */
  private static final class Unready extends EagerCall {
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
      Held held = Held.by(replies);

      next.complete(1);
      assertThat(streamed)
          .failsWithin(Duration.ofSeconds(10))
          .withThrowableOfType(ExecutionException.class)
          .withMessageContaining("RESOURCE_EXHAUSTED: 1 calls are under way, the limit; slow down");
      held.end();

      CompletableFuture<Integer> after = new CompletableFuture<>();
      replies.unary(new Answered(after, () -> {}), () -> 3);
      assertThat(after.get(10, TimeUnit.SECONDS)).as("its place is there once").isEqualTo(3);
    }
  }

  /** Follows until {@code news} has come, and has answered with it when it has ended. */
  private static CompletableFuture<List<Integer>> following(
      VirtualThreadReplies replies, CompletableFuture<Integer> news) throws InterruptedException {
    EagerCall call = new EagerCall(0);
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
      List<EagerCall> calls = new ArrayList<>();
      for (int i = 0; i < 10; i++) {
        EagerCall call = new EagerCall(0);
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
      for (EagerCall call : calls) {
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
      Held held = Held.by(replies);

      news.complete(1);
      held.end();
      assertThat(follower.get(10, TimeUnit.SECONDS)).containsExactly(1);
      assertThat(isAnswered(replies)).as("a call after it").isTrue();
    }
  }

  /** A call whose client leaves when the test says so, after it was looked at once more. */
  private static final class Leaving extends EagerCall {
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
  void ofFollowersThatAreWokenTogetherFourGoOnAtATime() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 1_024)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CyclicBarrier four = new CyclicBarrier(4);
      AtomicInteger under = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<EagerCall> followers = new ArrayList<>();
      for (int i = 0; i < 12; i++) {
        EagerCall follower = new EagerCall(0);
        replies.follow(
            follower,
            sink -> {
              sink.idle(
                  () -> {
                    var unusedNews = news.join();
                  });
              most.accumulateAndGet(under.incrementAndGet(), Math::max);
              var unused = four.await();
              sink.send(under.decrementAndGet());
            });
        followers.add(follower);
      }
      news.complete(1);

      for (EagerCall follower : followers) {
        assertThat(follower.end.get(10, TimeUnit.SECONDS)).hasSize(1);
      }
      assertThat(most).hasValue(4);
    }
  }

  @Test
  void aFollowerWhoseClientLeavesWaitsForNoTurn() throws Exception {
    try (VirtualThreadReplies replies =
        new VirtualThreadReplies(new StatusMapper("orchestrator"), 2, 2)) {
      CompletableFuture<Integer> news = new CompletableFuture<>();
      CompletableFuture<Integer> goOn = new CompletableFuture<>();
      CountDownLatch working = new CountDownLatch(1);
      EagerCall first = new EagerCall(0);
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

      EagerCall third = new EagerCall(0);
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
      Held held = Held.by(replies);
      news.complete(1);

      assertEndsWhenItsClientLeaves(follower);

      held.end();
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

      EagerCall third = new EagerCall(0);
      replies.follow(third, sink -> sink.send(3));
      assertTooManyStreams(third);
      EagerCall fourth = new EagerCall(0);
      replies.stream(fourth, sink -> sink.send(sink.idle(() -> 4)));
      assertTooManyStreams(fourth);
      EagerCall other = new EagerCall(0);
      replies.stream(other, sink -> sink.send(5));
      assertThat(other.end.get(10, TimeUnit.SECONDS)).as("it does not wait").containsExactly(5);

      news.complete(1);
      assertThat(follower.get(10, TimeUnit.SECONDS)).containsExactly(1);
      EagerCall after = new EagerCall(0);
      replies.follow(after, sink -> sink.send(6));
      assertThat(after.end.get(10, TimeUnit.SECONDS)).containsExactly(6);
      next.complete(2);
      assertThat(streamed.get(10, TimeUnit.SECONDS)).isEqualTo(2);
    }
  }

  private static void assertTooManyStreams(EagerCall call) {
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
