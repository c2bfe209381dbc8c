package io.ballast.kit.grpc;

import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.resilience.TestTime;
import io.ballast.kit.telemetry.Telemetry;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.reward.v1.ListRewardModelsRequest;
import io.ballast.reward.v1.ListRewardModelsResponse;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.trace.Span;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;

/** A peer that does what a test says, and channels to it. */
abstract class PeerChannelCase {
  static final PeerSettings SETTINGS =
      new PeerSettings(Duration.ofSeconds(30), 2, 50, 4, Duration.ofSeconds(2), 1 << 20);

  final List<AutoCloseable> open = new ArrayList<>();
  final TestTime time = new TestTime();
  final Telemetry telemetry =
      Telemetry.start(
          new TelemetrySettings("test", Optional.empty(), 1, 100, Duration.ofSeconds(1)));
  final VirtualThreadReplies replies = new VirtualThreadReplies(new StatusMapper("test"), 100);
  final AtomicInteger calls = new AtomicInteger();
  final List<Deadline> deadlines = new CopyOnWriteArrayList<>();
  final List<String> requestIds = new CopyOnWriteArrayList<>();
  final List<String> traceIds = new CopyOnWriteArrayList<>();
  volatile Answer answer = () -> ScoreResponse.getDefaultInstance();

  interface Answer {
    ScoreResponse get() throws Exception;
  }

  /** The peer: says what it got. */
  final class Inner extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      calls.incrementAndGet();
      deadlines.add(Context.current().getDeadline());
      replies.unary(
          observer,
          () -> {
            traceIds.add(Span.current().getSpanContext().getTraceId());
            requestIds.add(RequestContexts.from(request.getMetadata()).requestId());
            return answer.get();
          });
    }

    @Override
    public void listRewardModels(
        ListRewardModelsRequest request, StreamObserver<ListRewardModelsResponse> observer) {
      calls.incrementAndGet();
      observer.onError(Status.UNAVAILABLE.asRuntimeException());
    }
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
    replies.close();
    telemetry.close();
  }

  MeshServer serve(io.grpc.BindableService service, Optional<String> token) {
    return serve(service, token, 0);
  }

  /**
   * @param port where it listens; 0: anywhere
   */
  MeshServer serve(io.grpc.BindableService service, Optional<String> token, int port) {
    MeshServer.Options loopback = MeshServer.Options.loopback(port);
    MeshServer server =
        MeshServer.start(
            new MeshServer.Options(
                loopback.host(),
                port,
                loopback.maxMessageBytes(),
                loopback.deadlineFloor(),
                loopback.drain(),
                false,
                token),
            List.of(service),
            new SimpleMeterRegistry(),
            telemetry.api(),
            System::nanoTime);
    open.add(server);
    return server;
  }

  PeerChannel connect(int port, PeerSettings settings, Optional<String> token) {
    return open(List.of("127.0.0.1:" + port), settings, token);
  }

  PeerChannel connect(List<MeshServer> servers, PeerSettings settings, Optional<String> token) {
    return open(
        servers.stream().map(server -> "127.0.0.1:" + server.port()).toList(), settings, token);
  }

  PeerChannel open(List<String> addresses, PeerSettings settings, Optional<String> token) {
    PeerChannel channel =
        PeerChannel.open(
            addresses,
            new PeerGuard("peer", settings, time, time::nanoTime, new SimpleMeterRegistry()),
            settings,
            token,
            telemetry.api());
    open.add(channel);
    return channel;
  }

  PeerChannel connect(MeshServer server) {
    return connect(server.port(), SETTINGS, Optional.empty());
  }

  static RewardServiceGrpc.RewardServiceBlockingStub stub(PeerChannel channel) {
    return RewardServiceGrpc.newBlockingStub(channel.channel());
  }

  static PeerSettings settings(Duration answerReserve, BalancingSettings balancing) {
    return new PeerSettings(
        Duration.ofHours(1),
        16,
        100,
        1_000,
        Duration.ofSeconds(2),
        1 << 20,
        answerReserve,
        balancing);
  }
}
