package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.ballast.kit.error.Fault;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.netty.handler.codec.http2.Http2Error;
import io.netty.handler.codec.http2.Http2Exception;
import java.io.IOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every failure is one line with its mend, and an exit code that means something. */
class ErrorLinesTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          INVALID_ARGUMENT    | 2 | prompt: empty
          NOT_FOUND           | 1 | prompt: empty
          FAILED_PRECONDITION | 4 | prompt: empty
          ABORTED             | 4 | prompt: empty; look again and repeat if it still holds
          RESOURCE_EXHAUSTED  | 1 | prompt: empty; it is full: try again in a moment
          DEADLINE_EXCEEDED   | 1 | no answer in time from HERE; give it longer: --timeout 2m
          DATA_LOSS           | 1 | prompt: empty; ./mesh doctor checks all model files
          UNAUTHENTICATED     | 4 | prompt: empty; give the token: export BALLAST_TOKEN=…
          INTERNAL            | 1 | prompt: empty
          UNAVAILABLE         | 3 | no mesh answers at HERE; start one with ./mesh up
          """)
  void aStatusBecomesOneLine(Status.Code code, int exit, String line) {
    try (FakeMesh mesh = new FakeMesh()) {
      mesh.failure = code.toStatus().withDescription("prompt: empty");

      Cli.Result result = Cli.run(mesh, "suggest", "x");

      assertThat(result.exit()).isEqualTo(exit);
      assertThat(result.out()).isEmpty();
      assertThat(result.err().lines())
          .containsExactly("mesh: " + line.replace("HERE", mesh.address()));
    }
  }

  @Test
  void whereNobodyListensTheMendIsToStartAMesh() throws IOException {
    int port;
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      port = socket.getLocalPort();
    }
    String target = "127.0.0.1:" + port;

    for (String[] command :
        new String[][] {
          {"suggest", "x"},
          {"score", "x"},
          {"cost", "x"},
          {"runs", "list"},
          {"models", "list"},
          {"gate", "drift", "--all-tenants"} // whose target is an option of other options
        }) {
      Cli.Result result = Cli.run(Path.of("."), Map.of("BALLAST_TARGET", target), command);

      assertThat(result.exit()).as(command[0]).isEqualTo(3);
      assertThat(result.err().lines())
          .as(command[0])
          .containsExactly("mesh: no mesh answers at " + target + "; start one with ./mesh up");
    }
  }

  @Test
  void whereSomethingElseThanPlainGrpcListensTheMendIsToEncrypt() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Thread.ofVirtual().start(() -> refuseAsTlsDoes(server));
      String target = "127.0.0.1:" + server.getLocalPort();

      Cli.Result result =
          Cli.run(Path.of("."), Map.of("BALLAST_TARGET", target), "suggest", "return ");

      assertThat(result.exit()).isEqualTo(3);
      assertThat(result.err())
          .startsWith("mesh: no mesh answers at " + target + ", but something listens there;")
          .contains("if it encrypts: --tls-ca FILE");
    }
  }

  @Test
  void howeverAConnectionThatWasTakenFailsTheMendIsToEncrypt() {
    String hint = "but something listens there; if it encrypts: --tls-ca FILE";
    Http2Exception alert =
        Http2Exception.connectionError(Http2Error.PROTOCOL_ERROR, "1503030002 is no SETTINGS");
    for (Status status :
        List.of(
            Status.UNAVAILABLE.withDescription("Network closed for unknown reason"),
            Status.UNAVAILABLE.withCause(new SocketException("Connection reset")),
            Status.INTERNAL.withDescription("http2 exception").withCause(alert))) {
      CommandFailure failure = Failures.of(status.asRuntimeException(), "here:1");

      assertThat(failure.exit()).as("%s", status).isEqualTo(Exit.UNREACHABLE);
      assertThat(failure.line()).contains(hint);
    }
    for (Status status :
        List.of(
            Status.UNAVAILABLE.withCause(new ConnectException("Connection refused")),
            Status.UNAVAILABLE.withCause(new SSLHandshakeException("unknown authority")),
            Status.INTERNAL.withDescription("a bug"))) {
      assertThat(Failures.of(status.asRuntimeException(), "here:1").line())
          .doesNotContain("--tls-ca");
    }
  }

  /** Answers every connection as TLS does a plain one: with an alert, then the end. */
  private static void refuseAsTlsDoes(ServerSocket server) {
    byte[] alert = {21, 3, 3, 0, 2, 2, 40}; // fatal: handshake failure
    while (!server.isClosed()) {
      try (Socket socket = server.accept()) {
        var unused = socket.getInputStream().read(new byte[1024]);
        socket.getOutputStream().write(alert);
      } catch (IOException e) {
        // the test sees what its caller is told
      }
    }
  }

  @Test
  void withJsonAFailureIsADocumentToo() {
    try (FakeMesh mesh = new FakeMesh()) {
      mesh.failure = Status.INVALID_ARGUMENT.withDescription("prompt: empty");

      Cli.Result result = Cli.run(mesh, "suggest", "x", "--json");

      assertThat(result.exit()).isEqualTo(2);
      assertThat(result.json().path("error").path("reason").asText()).isEqualTo("INVALID_ARGUMENT");
      assertThat(result.json().path("error").path("message").asText()).isEqualTo("prompt: empty");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "bon --file FILE",
        "train FILE --name taste",
        "train FILE --name taste --remote",
        "train --objective love=FILE --weight love=1 --name taste",
        "adopt judge --chat --reference FILE --name taste",
        "adopt --manifest FILE --name taste",
        "compose FILE --name taste"
      })
  void aFileThatIsNamedAndIsNoneIsWrongUsageOfEachCommandOfRewards(String command) {
    for (String file : List.of("nowhere.jsonl", "src")) { // not there, and a folder
      Cli.Result result =
          Cli.run(folder, Map.of(), ("reward " + command.replace("FILE", file)).split(" "));

      assertThat(result.exit()).isEqualTo(Exit.USAGE.code());
      assertThat(result.out()).isEmpty();
      assertThat(result.err().lines())
          .containsExactly("mesh: " + file + ": no file that can be read");
    }
  }

  @Test
  void aServerThatIsLoadingIsNotAMeshThatIsAway() {
    StatusRuntimeException loading =
        StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                .setCode(Code.UNAVAILABLE_VALUE)
                .setMessage("java-tiny/2 is loading")
                .addDetails(
                    Any.pack(ErrorInfo.newBuilder().setReason(Fault.MODEL_LOADING.name()).build()))
                .build());

    CommandFailure failure = Failures.of(loading, "here:1");

    assertThat(failure.exit()).isEqualTo(Exit.FAILED);
    assertThat(failure.reason()).isEqualTo("MODEL_LOADING");
    assertThat(failure.line()).isEqualTo("java-tiny/2 is loading; try again in a moment");
  }

  @Test
  void aBugIsOneLineToo() {
    CommandFailure failure = Failures.of(new IllegalStateException("a\nb"), "here:1");

    assertThat(failure.exit()).isEqualTo(Exit.FAILED);
    assertThat(failure.line()).isEqualTo("IllegalStateException: a");
  }

  @Test
  void wrongUsageIsOneLineThatPointsToTheHelp() {
    Cli.Result result = Cli.run(Path.of("."), Map.of(), "suggest", "x", "--temprature", "1");

    assertThat(result.exit()).isEqualTo(2);
    assertThat(result.err().lines()).hasSize(1);
    assertThat(result.err()).contains("--temprature").contains("see ./mesh suggest --help");
    assertThat(Cli.run(Path.of("."), Map.of(), "sugest").exit()).isEqualTo(2);
    assertThat(Cli.run(Path.of("."), Map.of(), "runs", "lst").exit()).isEqualTo(2);
    assertThat(Cli.run(Path.of("."), Map.of(), "feedback", "01").err())
        .startsWith("mesh: Missing required argument");
    assertThat(Cli.run(Path.of("."), Map.of(), "suggest", "x", "--timeout", "soon").err())
        .contains("'soon' is not a duration (expected: such as 500ms, 30s, 2m or PT1.5S)");
  }
}
