package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.Context;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What callers get from a server that takes no more calls than they have under way. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class VirtualThreadRepliesTest {
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
      EagerCall call = new EagerCall(50);
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
      EagerCall call = new EagerCall(12);
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
}
