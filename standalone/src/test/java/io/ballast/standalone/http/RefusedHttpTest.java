package io.ballast.standalone.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.http.RefusedHttp.Refusal;
import io.vertx.core.Vertx;
import io.vertx.core.http.HttpServer;
import io.vertx.ext.web.Router;
import java.io.IOException;
import java.net.InetAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whoever is refused over HTTP is told of before it knows. */
@Timeout(60)
class RefusedHttpTest {
  private final Vertx vertx = Vertx.vertx();
  private final List<Refusal> told = new CopyOnWriteArrayList<>();
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private HttpServer server = vertx.createHttpServer();

  @BeforeEach
  void start() throws Exception {
    Router router = Router.router(vertx);
    for (int status : List.of(200, 400, 401, 403, 404, 408, 413, 429, 500, 503)) {
      router
          .route("/answers/" + status)
          .handler(context -> context.response().setStatusCode(status).end());
    }
    router
        .route("/api/*")
        .order(-1_000)
        .handler(context -> context.response().setStatusCode(401).end());
    router
        .route("/called")
        .handler(
            context -> context.response().setStatusCode(429).putHeader("X-Request-Id", "r1").end());
    RefusedHttp.addTo(router, told::add);
    server =
        server
            .requestHandler(router)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(30, TimeUnit.SECONDS);
  }

  @AfterEach
  void stop() throws Exception {
    client.close();
    vertx.close().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private int get(String path) throws IOException, InterruptedException {
    return client
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + server.actualPort() + path))
                .build(),
            BodyHandlers.discarding())
        .statusCode();
  }

  @ParameterizedTest
  @CsvSource({
    "401, unauthenticated,    401 Unauthorized",
    "403, forbidden,          403 Forbidden",
    "408, unfinished_request, 408 Request Timeout",
    "413, body_size,          413 Request Entity Too Large",
    "429, http_requests,      429 Too Many Requests",
  })
  void aRefusalIsToldWithItsReasonRouteAndAddress(int status, String reason, String message)
      throws Exception {
    assertThat(get("/answers/" + status + "?whatever=1")).isEqualTo(status);

    assertThat(told)
        .containsExactly(
            new Refusal(
                reason,
                "/answers/" + status,
                Optional.of(InetAddress.ofLiteral("127.0.0.1")),
                message));
  }

  @ParameterizedTest
  @CsvSource({"200", "400", "404", "500", "503"})
  void whatIsAnsweredMalformedOrBrokenIsNotTold(int status) throws Exception {
    assertThat(get("/answers/" + status)).isEqualTo(status);

    assertThat(told).isEmpty();
  }

  @Test
  void whoeverInventsPathsIsOfOneRoute() throws Exception {
    for (int i = 0; i < 3; i++) {
      assertThat(get("/api/x" + i)).isEqualTo(401);
    }

    assertThat(told).hasSize(3).extracting(Refusal::path).containsOnly("/api/");
  }

  @Test
  void whatCameToACallIsToldByThatCall() throws Exception {
    assertThat(get("/called")).isEqualTo(429);

    assertThat(told).isEmpty();
  }
}
