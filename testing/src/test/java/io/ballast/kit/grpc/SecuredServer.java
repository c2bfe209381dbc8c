package io.ballast.kit.grpc;

import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.resilience.PeerGuard;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.mesh.v1.Priority;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.netty.handler.ssl.SslContext;
import io.opentelemetry.api.OpenTelemetry;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.MDC;

/** A server of rewards behind a door, and ways to it. */
final class SecuredServer implements AutoCloseable {
  private static final PeerSettings SETTINGS =
      new PeerSettings(Duration.ofSeconds(10), 8, 50, 20, Duration.ofSeconds(1), 1 << 20);

  final AtomicReference<RequestContext> asked = new AtomicReference<>();
  final AtomicReference<Optional<io.ballast.kit.security.Principal>> principal =
      new AtomicReference<>(Optional.empty());

  /** For whom the last caller said that it calls. */
  final AtomicReference<String> behalf = new AtomicReference<>("");

  /** What log lines of the last call have beside their words. */
  final AtomicReference<Map<String, String>> logged = new AtomicReference<>(Map.of());

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 8);

  /** What the server measures. */
  final SimpleMeterRegistry meters = new SimpleMeterRegistry();

  /** What is done for each call. */
  Runnable work = () -> {};

  private final MeshServer server;

  SecuredServer(EdgeSecurity security) {
    this(security, Optional.empty());
  }

  SecuredServer(EdgeSecurity security, Optional<LimitSettings> limits) {
    server =
        MeshServer.start(
            MeshServer.Options.loopback(0),
            security,
            limits,
            List.of(new Rewards()),
            meters,
            OpenTelemetry.noop(),
            System::nanoTime);
  }

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      replies.unary(
          observer,
          () -> {
            asked.set(RequestContexts.from(request.getMetadata()));
            principal.set(Principals.current());
            behalf.set(Principals.behalf());
            logged.set(Map.copyOf(MDC.getCopyOfContextMap()));
            work.run();
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

  MeshServer server() {
    return server;
  }

  /** A peer's channel, to {@code host}, which has to lead to loopback. */
  PeerChannel peer(String host, Optional<String> token, Optional<SslContext> tls) {
    return PeerChannel.open(
        List.of(host + ":" + server.port()), guard(), SETTINGS, token, tls, OpenTelemetry.noop());
  }

  /** A channel as to a server that is not of the mesh. */
  PeerChannel stranger(String token) {
    return PeerChannel.openForeign(
        List.of("127.0.0.1:" + server.port()),
        guard(),
        SETTINGS,
        Optional.of(token),
        Optional.empty(),
        OpenTelemetry.noop());
  }

  private static PeerGuard guard() {
    return new PeerGuard(
        "reward-server",
        SETTINGS,
        InstantSource.system(),
        System::nanoTime,
        new SimpleMeterRegistry());
  }

  /** One call over {@code channel}. */
  static ScoreResponse score(PeerChannel channel) {
    return score(channel, Priority.PRIORITY_UNSPECIFIED);
  }

  /** One call over {@code channel} that asks for a lane. */
  static ScoreResponse score(PeerChannel channel, Priority priority) {
    return RewardServiceGrpc.newBlockingStub(channel.channel())
        .score(
            ScoreRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setPriority(priority))
                .build());
  }

  @Override
  public void close() {
    server.close();
    replies.close();
  }
}
