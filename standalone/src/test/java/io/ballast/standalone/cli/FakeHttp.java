package io.ballast.standalone.cli;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.ballast.kit.build.CodeVersion;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.InstantSource;

/** Health and metrics of a server process that is well, until a test says otherwise. */
final class FakeHttp implements AutoCloseable {
  static final CodeVersion BUILD = CodeVersion.built();

  static final String WELL =
      """
      # TYPE ballast_peer_breaker_state gauge
      ballast_peer_breaker_state{peer="reward-server"} 0.0
      ballast_database_up 1.0
      ballast_database_unsafe{setting="fsync"} 0.0
      ballast_database_unsafe{setting="synchronous_commit"} 0.0
      ballast_disk_free_bytes{folder="data"} 2.0E11
      ballast_disk_free_bytes{folder="models"} 4.0E11
      hikaricp_connections_pending{pool="policy"} 0.0
      ballast_safety_canary_unwatched 0.0
      ballast_reward_waiting_tokens 12.0
      ballast_server_calls_seconds_count{code="OK",method="m"} 90.0
      """;

  private final HttpServer server;
  volatile String status = "UP";
  volatile String data = "\"peers\": \"connected\", \"database\": \"reachable\"";
  volatile String metrics = WELL + build(BUILD.commit().orElse("unknown"));
  volatile int metricsStatus = 200;
  volatile Duration ahead = Duration.ZERO;

  FakeHttp() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/q/health/ready", exchange -> answer(exchange, 200, health()));
    server.createContext("/q/metrics", exchange -> answer(exchange, metricsStatus, metrics));
    server.start();
  }

  private String health() {
    return """
    {"status": "%s", "checks": [{"name": "mesh", "status": "%s", "data":
      {"servers": "all", "time": "%s", %s}}]}\
    """
        .formatted(status, status, InstantSource.system().instant().plus(ahead), data);
  }

  private static void answer(HttpExchange exchange, int code, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(code, bytes.length);
    try (OutputStream body = exchange.getResponseBody()) {
      body.write(bytes);
    }
  }

  int port() {
    return server.getAddress().getPort();
  }

  @Override
  public void close() {
    server.stop(0);
  }

  static String build(String commit) {
    return "ballast_build_info{commit=\"%s\",release=\"%s\"} 1.0\n"
        .formatted(commit, BUILD.release());
  }
}
