package io.ballast.kit.grpc;

import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.security.ConnectionLimits;
import io.ballast.kit.security.EdgeSecurity;
import io.ballast.kit.security.Identities;
import io.ballast.kit.security.RateLimits;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreStreamRequest;
import io.ballast.reward.v1.ScoreStreamResponse;
import io.grpc.BindableService;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.grpc.stub.StreamObserver;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.logging.Handler;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import org.junit.jupiter.api.AfterEach;

/** A server of rewards that do what a test says. */
abstract class MeshServerCase {
  final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  Callable<ScoreResponse> work = ScoreResponse::getDefaultInstance;

  private final VirtualThreadReplies replies =
      new VirtualThreadReplies(new StatusMapper("reward-server"), 2);
  private final List<AutoCloseable> open = new ArrayList<>();

  private final class Rewards extends RewardServiceGrpc.RewardServiceImplBase {
    @Override
    public void score(ScoreRequest request, StreamObserver<ScoreResponse> observer) {
      replies.unary(
          observer,
          () -> {
            RequestContexts.from(request.getMetadata());
            return work.call();
          });
    }

    @Override
    public StreamObserver<ScoreStreamRequest> scoreStream(
        StreamObserver<ScoreStreamResponse> observer) {
      return replies.bidirectional(
          observer, 2, (request, sink) -> sink.send(ScoreStreamResponse.getDefaultInstance()));
    }
  }

  @AfterEach
  void closeAll() throws Exception {
    for (AutoCloseable closeable : open.reversed()) {
      closeable.close();
    }
    replies.close();
  }

  MeshServer start(MeshServer.Options options) {
    return start(options, Optional.empty(), System::nanoTime);
  }

  MeshServer start(
      MeshServer.Options options, Optional<LimitSettings> limits, LongSupplier nanoTime) {
    return start(options, limits, nanoTime, new Rewards());
  }

  MeshServer start(
      MeshServer.Options options,
      Optional<LimitSettings> limits,
      LongSupplier nanoTime,
      BindableService service) {
    return start(
        options,
        EdgeSecurity.token(options.bearerToken()),
        MeshServer.KeepAlive.USUAL,
        limits,
        nanoTime,
        service);
  }

  /** A server that takes so many connections and watches of its health. */
  MeshServer start(ConnectionLimits connections) {
    return start(connections, Identities.open());
  }

  /** As the other, for callers who are known. */
  MeshServer start(ConnectionLimits connections, Identities identities) {
    return start(
        MeshServer.Options.loopback(0),
        new EdgeSecurity(identities, RateLimits.none(), connections, Optional.empty()),
        MeshServer.KeepAlive.USUAL,
        Optional.empty(),
        System::nanoTime,
        new Rewards());
  }

  /** A server that looks so soon whether silent clients are still there. */
  MeshServer start(MeshServer.KeepAlive keepAlive) {
    return start(
        MeshServer.Options.loopback(0),
        EdgeSecurity.token(Optional.empty()),
        keepAlive,
        Optional.empty(),
        System::nanoTime,
        new Rewards());
  }

  private MeshServer start(
      MeshServer.Options options,
      EdgeSecurity security,
      MeshServer.KeepAlive keepAlive,
      Optional<LimitSettings> limits,
      LongSupplier nanoTime,
      BindableService service) {
    MeshServer server =
        MeshServer.start(
            options,
            security,
            keepAlive,
            limits,
            List.of(service),
            meters,
            OpenTelemetry.noop(),
            nanoTime);
    open.add(server);
    return server;
  }

  ManagedChannel channel(MeshServer server) {
    ManagedChannel channel =
        NettyChannelBuilder.forAddress("127.0.0.1", server.port()).usePlaintext().build();
    open.add(channel::shutdownNow);
    return channel;
  }

  RewardServiceGrpc.RewardServiceBlockingStub rewards(MeshServer server) {
    return RewardServiceGrpc.newBlockingStub(channel(server))
        .withDeadlineAfter(10, TimeUnit.SECONDS);
  }

  /** What a logger of java.util.logging, which grpc-java uses, was told. */
  static final class Recorded extends Handler {
    final List<String> messages = new CopyOnWriteArrayList<>();
    private final Logger logger; // held here: java.util.logging holds it weakly

    private Recorded(Logger logger) {
      this.logger = logger;
    }

    static Recorded of(String name) {
      Recorded recorded = new Recorded(Logger.getLogger(name));
      recorded.logger.addHandler(recorded);
      return recorded;
    }

    void stop() {
      logger.removeHandler(this);
    }

    @Override
    public void publish(LogRecord entry) {
      messages.add(entry.getLevel() + " " + entry.getMessage());
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
