package io.ballast.reward.http;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.call.BearerToken;
import io.ballast.kit.grpc.MeshServer;
import io.ballast.reward.config.HttpConfig;
import io.ballast.reward.grpc.ScoreCalls;
import io.ballast.reward.v1.RewardServiceGrpc;
import io.ballast.reward.v1.RewardServiceGrpc.RewardServiceBlockingStub;
import io.grpc.BindableService;
import io.grpc.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/** The routes on a loopback port, before a server whose edge is that of a process. */
final class TestRoutes implements AutoCloseable {
  static final HttpConfig DEFAULTS =
      new HttpConfig(true, Duration.ofSeconds(60), 8 << 20, 64 << 20);
  static final ObjectMapper JSON = new ObjectMapper();

  private static final int MAX_ITEMS = 4_096;
  private static final Instant NOW = Instant.ofEpochSecond(1_790_000_000);

  private final Vertx vertx = Vertx.vertx();
  private final MeshServer server;
  private final RewardRoutes routes;
  private final HttpServer http;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  TestRoutes(List<BindableService> services) throws Exception {
    this(services, DEFAULTS, Optional.empty());
  }

  TestRoutes(List<BindableService> services, HttpConfig config, Optional<String> token)
      throws Exception {
    this(services, config, token, way -> way);
  }

  /**
   * @param way what the routes have for the way to the services
   */
  TestRoutes(
      List<BindableService> services,
      HttpConfig config,
      Optional<String> token,
      UnaryOperator<Supplier<Channel>> way)
      throws Exception {
    server =
        MeshServer.start(
            new MeshServer.Options(
                "127.0.0.1",
                0,
                16 << 20,
                Duration.ofMillis(1),
                Duration.ofSeconds(1),
                false,
                token),
            services,
            new SimpleMeterRegistry(),
            OpenTelemetry.noop(),
            System::nanoTime);
    routes = routes(config, token, way.apply(server::inside));
    http = listen(vertx, routes);
  }

  private static RewardRoutes routes(
      HttpConfig config, Optional<String> token, Supplier<Channel> way) {
    return new RewardRoutes(
        config,
        shown -> token.isEmpty() || BearerToken.isCarried(shown.orElse(null), token.get()),
        MAX_ITEMS,
        new ScoreCalls(way),
        InstantSource.fixed(NOW));
  }

  private static HttpServer listen(Vertx vertx, RewardRoutes routes) throws Exception {
    Router router = Router.router(vertx);
    routes.addTo(router);
    return vertx
        .createHttpServer()
        .requestHandler(router)
        .listen(0, "127.0.0.1")
        .toCompletionStage()
        .toCompletableFuture()
        .get(10, TimeUnit.SECONDS);
  }

  /** A request to this address, of JSON. */
  HttpRequest.Builder to(String address) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + http.actualPort() + address))
        .header("Content-Type", "application/json");
  }

  HttpResponse<String> post(String address, String body) throws Exception {
    return send(to(address).POST(BodyPublishers.ofString(body)));
  }

  HttpResponse<String> send(HttpRequest.Builder request) throws Exception {
    return client.send(request.build(), BodyHandlers.ofString());
  }

  int port() {
    return http.actualPort();
  }

  /** Who can leave before the answer. */
  HttpClient client() {
    return client;
  }

  /** The same service over gRPC. */
  RewardServiceBlockingStub stub() {
    return RewardServiceGrpc.newBlockingStub(server.inside());
  }

  /** How many calls of Score are under way. */
  int callsUnderWay() {
    return server.callsUnderWay();
  }

  @Override
  public void close() throws IOException {
    client.shutdownNow();
    routes.close();
    vertx.close().toCompletionStage().toCompletableFuture().join();
    server.close();
  }
}
