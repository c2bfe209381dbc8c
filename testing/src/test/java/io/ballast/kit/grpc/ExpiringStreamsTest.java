package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardTrainingServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.reward.v1.WatchTrainingRequest;
import io.ballast.reward.v1.WatchTrainingResponse;
import io.ballast.testing.Await;
import io.ballast.testing.TestCallers;
import io.grpc.Channel;
import io.grpc.ClientInterceptors;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A stream is its caller's for as long as what the caller showed is good. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ExpiringStreamsTest {
  @TempDir private Path folder;

  private final AtomicReference<Instant> now =
      new AtomicReference<>(TestCallers.EXPIRES.minusMillis(1));
  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 8);
  private final CountDownLatch scoring = new CountDownLatch(1);
  private final CountDownLatch mayScore = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private TestCallers callers;
  private MeshServer server;

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      replies.unary(
          observer,
          () -> {
            scoring.countDown();
            mayScore.await();
            return ScoreResponse.getDefaultInstance();
          });
    }

    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      return replies.bidirectional(
          observer, 2, (request, sink) -> sink.send(ScoreStreamResponse.getDefaultInstance()));
    }
  }

  /** Says once that it is there, then waits for what never happens. */
  private final class Trainings extends RewardTrainingServiceGrpc.RewardTrainingServiceImplBase {
    @Override
    public void watchTraining(
        WatchTrainingRequest request, StreamObserver<WatchTrainingResponse> observer) {
      replies.<WatchTrainingResponse>follow(
          observer,
          sink -> {
            sink.onCancel(left::countDown);
            sink.send(WatchTrainingResponse.getDefaultInstance());
            sink.idle(
                () -> {
                  try {
                    left.await();
                  } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                  }
                });
          });
    }
  }

  @BeforeEach
  void start() {
    callers = new TestCallers(folder, now::get);
    server = callers.serve(List.of(new Rewards(), new Trainings()), new SimpleMeterRegistry());
  }

  @AfterEach
  void stop() {
    mayScore.countDown();
    server.close();
    callers.close();
    replies.close();
  }

  private Channel trainer() {
    return ClientInterceptors.intercept(server.inside(), callers.as("someone", "a", "trainer"));
  }

  private static void requireExpired(Status end) {
    assertThat(end.getCode()).isEqualTo(Status.Code.UNAUTHENTICATED);
    assertThat(end.getDescription())
        .isEqualTo(
            "the token has expired, it was good until %s; open the stream again with a new one"
                .formatted(TestCallers.EXPIRES));
  }

  @Test
  void oneThatSpeaksEndsWithItsCallersToken() throws Exception {
    HeardStream<ScoreStreamResponse> heard = new HeardStream<>();
    StreamObserver<ScoreStreamRequest> requests =
        RewardServiceGrpc.newStub(trainer()).scoreStream(heard);
    requests.onNext(ScoreStreamRequest.getDefaultInstance());
    assertThat(heard.answered()).as("while it is good").isTrue();

    now.set(TestCallers.EXPIRES);

    requireExpired(heard.end());
    Await.until(() -> server.callsUnderWay() == 0);
    assertThatThrownBy(
            () ->
                RewardServiceGrpc.newBlockingStub(trainer())
                    .score(ScoreRequest.getDefaultInstance()))
        .as("as who calls then is told")
        .hasMessageStartingWith("UNAUTHENTICATED: the token is refused: Expired JWT");
  }

  @Test
  void oneThatWaitsForNewsEndsToo() throws Exception {
    HeardStream<WatchTrainingResponse> heard = new HeardStream<>();
    RewardTrainingServiceGrpc.newStub(trainer())
        .watchTraining(WatchTrainingRequest.getDefaultInstance(), heard);
    assertThat(heard.answered()).isTrue();

    now.set(TestCallers.EXPIRES);

    requireExpired(heard.end());
    assertThat(left.await(30, TimeUnit.SECONDS)).as("its work is told").isTrue();
  }

  @Test
  void aCallThatHasOneAnswerIsLetFinish() throws Exception {
    var answer =
        RewardServiceGrpc.newFutureStub(trainer()).score(ScoreRequest.getDefaultInstance());
    scoring.await();
    HeardStream<WatchTrainingResponse> beside = new HeardStream<>();
    RewardTrainingServiceGrpc.newStub(trainer())
        .watchTraining(WatchTrainingRequest.getDefaultInstance(), beside);
    assertThat(beside.answered()).isTrue();

    now.set(TestCallers.EXPIRES);
    requireExpired(beside.end());
    mayScore.countDown();

    assertThat(answer.get()).isEqualTo(ScoreResponse.getDefaultInstance());
  }
}
