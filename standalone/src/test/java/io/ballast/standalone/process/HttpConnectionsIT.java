package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.testing.Await;
import io.grpc.health.v1.HealthCheckRequest;
import io.grpc.health.v1.HealthCheckResponse.ServingStatus;
import io.grpc.health.v1.HealthGrpc;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The HTTP port of the built program takes so many connections, and none for ever. */
@Timeout(300)
class HttpConnectionsIT {
  private static final int MOST = 4;
  private static final int MILLIS_OF_PATIENCE = 60_000;

  @TempDir private Path data = Path.of(".");

  @Test
  void oneTooManyIsClosedAsItComesAndIdleOnesMakeRoomAgain() throws IOException {
    int httpPort = BuiltMesh.freePort();
    Map<String, String> properties =
        Map.of(
            "ballast.roles",
            "reward",
            "quarkus.http.limits.max-connections",
            Integer.toString(MOST),
            "quarkus.http.idle-timeout",
            "10S",
            "ballast.reward.http.timeout",
            "PT5S");
    List<Socket> halfSent = new ArrayList<>();
    try (BuiltMesh mesh =
        BuiltMesh.launch(data, BuiltMesh.freePort(), httpPort, properties).awaitReady()) {
      for (int i = 0; i < MOST; i++) {
        Socket socket = connect(httpPort);
        halfSent.add(socket);
        socket
            .getOutputStream()
            .write("GET / HTTP/1.1\r\nHost: a\r\nX: ".getBytes(StandardCharsets.US_ASCII));
      }

      try (Socket oneTooMany = connect(httpPort)) {
        assertThat(isClosedByServer(oneTooMany)).isTrue();
      }
      assertThat(
              HealthGrpc.newBlockingStub(mesh.channel())
                  .check(HealthCheckRequest.getDefaultInstance())
                  .getStatus())
          .as("gRPC has connections of its own")
          .isEqualTo(ServingStatus.SERVING);

      for (Socket socket : halfSent) {
        assertThat(isClosedByServer(socket)).as("after it was idle for so long").isTrue();
      }
      // a client sees the end of its connection before the server has counted it
      Await.until(() -> isLive(mesh));
    } finally {
      for (Socket socket : halfSent) {
        socket.close();
      }
    }
  }

  private static boolean isLive(BuiltMesh mesh) {
    try {
      return mesh.http("/q/health/live").contains("\"status\": \"UP\"");
    } catch (UncheckedIOException e) {
      return false; // one too many, still
    }
  }

  private static Socket connect(int port) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(MILLIS_OF_PATIENCE);
    return socket;
  }

  /** Waits for a byte or the end; whether there was none. */
  private static boolean isClosedByServer(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() == -1;
    } catch (SocketException e) {
      return true; // reset, which is an end too
    }
  }
}
