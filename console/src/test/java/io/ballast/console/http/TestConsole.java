package io.ballast.console.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.vertx.core.Future;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpClient;
import io.vertx.core.http.HttpClientResponse;
import io.vertx.core.http.HttpMethod;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.PoolOptions;
import io.vertx.core.http.RequestOptions;
import io.vertx.ext.web.Router;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** The console's routes on a loopback port, and a client that may send any header. */
final class TestConsole implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Vertx vertx = Vertx.vertx();
  private final ConsoleRoutes routes;
  private final HttpServer server;
  private final HttpClient client;

  TestConsole(FakeMesh mesh, ConsoleAccess access) throws Exception {
    routes = new ConsoleRoutes(mesh, access);
    Router router = Router.router(vertx);
    router.route("/index.html").handler(context -> context.end("page"));
    router
        .route("/api/broken")
        .order(Integer.MIN_VALUE)
        .handler(context -> context.fail(new IllegalStateException("hunter2")));
    routes.addTo(router);
    server =
        vertx
            .createHttpServer()
            .requestHandler(router)
            .listen(0, "127.0.0.1")
            .toCompletionStage()
            .toCompletableFuture()
            .get(10, TimeUnit.SECONDS);
    client = vertx.createHttpClient(new PoolOptions().setHttp1MaxSize(100));
  }

  /** An answer of the console. */
  record Reply(int status, Map<String, String> headers, String body) {
    JsonNode json() {
      try {
        return JSON.readTree(body);
      } catch (JsonProcessingException e) {
        throw new AssertionError(body, e);
      }
    }
  }

  Reply get(String path) throws Exception {
    return send(HttpMethod.GET, path, Map.of(), "");
  }

  Reply suggest(String body) throws Exception {
    return suggest(body.getBytes(StandardCharsets.UTF_8));
  }

  Reply suggest(byte[] body) throws Exception {
    return send(
        HttpMethod.POST, "/api/suggestions", Map.of("Content-Type", "application/json"), body);
  }

  Reply send(HttpMethod method, String path, Map<String, String> headers, String body)
      throws Exception {
    return send(method, path, headers, body.getBytes(StandardCharsets.UTF_8));
  }

  private Reply send(HttpMethod method, String path, Map<String, String> headers, byte[] body)
      throws Exception {
    RequestOptions options =
        new RequestOptions()
            .setMethod(method)
            .setHost("127.0.0.1")
            .setPort(server.actualPort())
            .setURI(path);
    headers.forEach(options::putHeader);
    CompletableFuture<Reply> reply = new CompletableFuture<>();
    // on the loop, so that whoever waits for the body is there before the body
    vertx.runOnContext(
        loop ->
            client
                .request(options)
                .compose(request -> request.send(Buffer.buffer(body)).compose(TestConsole::reply))
                .onSuccess(reply::complete)
                .onFailure(reply::completeExceptionally));
    return reply.get(20, TimeUnit.SECONDS);
  }

  private static Future<Reply> reply(HttpClientResponse response) {
    Map<String, String> headers = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
    response.headers().forEach(headers::put);
    return response.body().map(text -> new Reply(response.statusCode(), headers, text.toString()));
  }

  @Override
  public void close() throws Exception {
    routes.close();
    vertx.close().toCompletionStage().toCompletableFuture().get(10, TimeUnit.SECONDS);
  }
}
