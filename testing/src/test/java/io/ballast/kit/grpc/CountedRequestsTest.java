package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.rpc.RetryInfo;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.RateLimits;
import io.ballast.kit.security.Right;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.ballast.testing.HeardLog;
import io.ballast.testing.TestCallers;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Level;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a tenant may call in a second it may not stream instead. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CountedRequestsTest {
  private static final int MOST = 3;

  @TempDir private Path folder;

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 8);
  private final AtomicInteger served = new AtomicInteger();
  private final HeardLog refused = HeardLog.of(RefusedCalls.LOGGER, Level.INFO);
  private TestCallers callers;
  private MeshServer server;

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      return replies.bidirectional(
          observer,
          2,
          (request, sink) -> {
            served.incrementAndGet();
            sink.send(ScoreStreamResponse.getDefaultInstance());
          });
    }
  }

  /** What a caller got: how many answers, and the error of its call's end; empty: none. */
  private static final class Got implements StreamObserver<ScoreStreamResponse> {
    private final AtomicInteger answers = new AtomicInteger();
    private final CompletableFuture<Optional<Throwable>> end = new CompletableFuture<>();

    @Override
    public void onNext(ScoreStreamResponse answer) {
      answers.incrementAndGet();
    }

    @Override
    public void onError(Throwable error) {
      end.complete(Optional.of(error));
    }

    @Override
    public void onCompleted() {
      end.complete(Optional.empty());
    }
  }

  @BeforeEach
  void start() {
    callers = new TestCallers(folder);
    server =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            callers.door(new RateLimits(Map.of(Right.APPLICATION, MOST))),
            Optional.empty(),
            List.of(new Rewards()),
            new SimpleMeterRegistry(),
            OpenTelemetry.noop(),
            System::nanoTime);
  }

  @AfterEach
  void stop() {
    refused.close();
    server.close();
    callers.close();
    replies.close();
  }

  private StreamObserver<ScoreStreamRequest> stream(Right right, Got got) {
    return RewardServiceGrpc.newStub(server.inside())
        .withInterceptors(callers.as("someone", "a", right.label()))
        .scoreStream(got);
  }

  @Test
  void aRequestTooManyEndsTheStreamOnceThoseBeforeItAreAnswered() throws Exception {
    Got got = new Got();
    StreamObserver<ScoreStreamRequest> requests = stream(Right.APPLICATION, got);
    // of so many at once some are too many, wherever the second turns
    for (int i = 0; i < 10_000 && !got.end.isDone(); i++) {
      requests.onNext(ScoreStreamRequest.getDefaultInstance());
    }

    StatusRuntimeException refusal =
        (StatusRuntimeException) got.end.get(30, TimeUnit.SECONDS).orElseThrow();
    assertThat(refused.messages())
        .singleElement()
        .asString()
        .startsWith(
            "reason=calls_per_second method=ballast.reward.v1.RewardService/ScoreStream tenant=a"
                + " count=1");
    assertThat(refusal.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
    assertThat(refusal.getStatus().getDescription())
        .isEqualTo("tenant a: more than 3 calls a second as application, the limit; slow down");
    assertThat(PeerFaults.reason(refusal)).contains(Fault.OVERLOADED);
    assertThat(PeerFaults.errorInfo(refusal).orElseThrow().getMetadataMap())
        .containsEntry(MeshException.SHED, "calls_per_second");
    assertThat(Objects.requireNonNull(StatusProto.fromThrowable(refusal)).getDetailsList())
        .anyMatch(detail -> detail.is(RetryInfo.class));
    assertThat(got.answers).as("one by the call, two by themselves").hasValueBetween(3, 9_999);
    assertThat(served).as("what was taken is answered").hasValue(got.answers.get());
  }

  @Test
  void aRightWithoutALimitStreamsAsMuchAsItLikes() throws Exception {
    Got got = new Got();
    StreamObserver<ScoreStreamRequest> requests = stream(Right.TRAINER, got);
    for (int i = 0; i < 100; i++) {
      requests.onNext(ScoreStreamRequest.getDefaultInstance());
    }
    requests.onCompleted();

    assertThat(got.end.get(30, TimeUnit.SECONDS)).isEmpty();
    assertThat(got.answers).hasValue(100);
  }
}
