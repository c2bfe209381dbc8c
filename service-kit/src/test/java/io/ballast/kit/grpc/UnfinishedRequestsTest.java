package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.CallOptions;
import io.grpc.ClientCall;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.Server;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.inprocess.InProcessChannelBuilder;
import io.grpc.inprocess.InProcessServerBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A caller has a minute for the whole of its request; everything here runs on one thread. */
class UnfinishedRequestsTest {
  private final AtomicLong nanos = new AtomicLong();
  private final RefusedCalls refused = new RefusedCalls(nanos::get);
  private final UnfinishedRequests unfinished = new UnfinishedRequests(nanos::get, refused);
  private final DrainGate gate = new DrainGate();
  private final List<StreamObserver<ScoreResponse>> begun = new ArrayList<>();
  private final List<HeldRequest> streams = new ArrayList<>();
  private final Server server;
  private final ManagedChannel channel;

  UnfinishedRequestsTest() {
    String name = InProcessServerBuilder.generateName();
    server =
        InProcessServerBuilder.forName(name)
            .directExecutor()
            .addStreamTracerFactory(new HeldRequests(1 << 20, new SimpleMeterRegistry()))
            .addService(ServerInterceptors.interceptForward(new Rewards(), gate, unfinished))
            .build();
    channel = InProcessChannelBuilder.forName(name).directExecutor().build();
  }

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      begun.add(observer);
    }

    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      streams.add(Objects.requireNonNull(HeldRequest.current()));
      return new StreamObserver<>() {
        @Override
        public void onNext(ScoreStreamRequest request) {
          observer.onNext(ScoreStreamResponse.getDefaultInstance());
        }

        @Override
        public void onError(Throwable error) {}

        @Override
        public void onCompleted() {
          observer.onCompleted();
        }
      };
    }
  }

  /** What a caller got. */
  private static final class Got<A> extends ClientCall.Listener<A> {
    private final List<A> answers = new ArrayList<>();
    private @Nullable Status status;

    @Override
    public void onMessage(A answer) {
      answers.add(answer);
    }

    @Override
    public void onClose(Status ended, Metadata trailers) {
      status = ended;
    }

    Status status() {
      return Objects.requireNonNull(status, "not ended");
    }
  }

  @BeforeEach
  void start() throws IOException {
    server.start();
  }

  @AfterEach
  void stop() {
    channel.shutdownNow();
    server.shutdownNow();
    unfinished.close();
    refused.close();
  }

  private <Q, A> ClientCall<Q, A> send(MethodDescriptor<Q, A> method, Q message, Got<A> got) {
    ClientCall<Q, A> call = channel.newCall(method, CallOptions.DEFAULT);
    call.start(got, new Metadata());
    call.request(2);
    call.sendMessage(message);
    return call;
  }

  private ClientCall<ScoreRequest, ScoreResponse> score(Got<ScoreResponse> got) {
    return send(RewardServiceGrpc.getScoreMethod(), ScoreRequest.getDefaultInstance(), got);
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
    unfinished.look();
  }

  @Test
  void oneThatIsNotWholeAfterAMinuteEndsAndItsServiceNeverBegins() {
    MeshServerCase.Recorded log = MeshServerCase.Recorded.of(RefusedCalls.LOGGER);
    Got<ScoreResponse> got = new Got<>();
    ClientCall<ScoreRequest, ScoreResponse> call = score(got);
    try {
      pass(Duration.ofSeconds(59));
      assertThat(got.status).as("after 59 s").isNull();
      assertThat(gate.underWay()).isEqualTo(1);

      pass(Duration.ofSeconds(1));
    } finally {
      log.stop();
    }
    assertThat(got.status().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(got.status().getDescription())
        .isEqualTo("no whole request came within 60 s; nothing was done");
    assertThat(log.messages)
        .singleElement()
        .asString()
        .startsWith(
            "INFO reason=unfinished_request method=ballast.reward.v1.RewardService/Score tenant=-"
                + " count=1");
    call.halfClose();
    assertThat(begun).isEmpty();
    assertThat(gate.underWay()).as("calls that a drain would wait for").isZero();
  }

  @Test
  void aCallWhoseRequestIsWholeMayTakeAsLongAsItLikes() {
    Got<ScoreResponse> got = new Got<>();
    score(got).halfClose();
    assertThat(begun).hasSize(1);

    pass(Duration.ofHours(1));
    assertThat(got.status).isNull();
    begun.getFirst().onNext(ScoreResponse.getDefaultInstance());
    begun.getFirst().onCompleted();
    assertThat(got.status().isOk()).isTrue();
    assertThat(got.answers).containsExactly(ScoreResponse.getDefaultInstance());
  }

  @Test
  void aCallThatSaysNothingAtAllEndsToo() {
    Got<ScoreResponse> got = new Got<>();
    ClientCall<ScoreRequest, ScoreResponse> call =
        channel.newCall(RewardServiceGrpc.getScoreMethod(), CallOptions.DEFAULT);
    call.start(got, new Metadata());

    pass(UnfinishedRequests.PATIENCE);
    assertThat(got.status().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
  }

  @Test
  void aStreamEndsAMinuteAfterAMessageWasSeenToHaveComeInPart() {
    Got<ScoreStreamResponse> got = new Got<>();
    var unused =
        send(
            RewardServiceGrpc.getScoreStreamMethod(), ScoreStreamRequest.getDefaultInstance(), got);
    HeldRequest held = streams.getFirst();
    held.inboundMessage(1);
    pass(Duration.ofSeconds(5));
    pass(Duration.ofSeconds(59));
    assertThat(got.status).as("it has been looked at for 59 s").isNull();
    held.inboundMessageRead(1, 10, 10); // it has come, and the next begins
    held.inboundMessage(2);
    pass(Duration.ofSeconds(59));
    assertThat(got.status).isNull();
    pass(Duration.ofSeconds(59));
    assertThat(got.status).isNull();

    pass(Duration.ofSeconds(1));
    assertThat(got.status().getCode()).isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(got.status().getDescription()).isEqualTo("a message did not come whole within 60 s");
    assertThat(gate.underWay()).isZero();
  }

  @Test
  void aStreamOfRequestsMayStayOpen() {
    Got<ScoreStreamResponse> got = new Got<>();
    ClientCall<ScoreStreamRequest, ScoreStreamResponse> call =
        send(
            RewardServiceGrpc.getScoreStreamMethod(), ScoreStreamRequest.getDefaultInstance(), got);

    pass(Duration.ofHours(1));
    assertThat(got.status).isNull();
    assertThat(got.answers).hasSize(1);
    call.halfClose();
    assertThat(got.status().isOk()).isTrue();
  }
}
