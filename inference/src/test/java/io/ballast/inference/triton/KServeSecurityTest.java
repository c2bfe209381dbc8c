package io.ballast.inference.triton;

import static io.ballast.inference.triton.Failures.failure;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.triton.TritonException.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Connections that encrypt, and that say who asks. */
class KServeSecurityTest {
  @TempDir private static Path folder;
  private static SelfSigned certificate;

  @BeforeAll
  static void makeCertificate() throws Exception {
    certificate = SelfSigned.make(folder);
  }

  private static InferAnswer infer(String address, KServeSecurity security) {
    try (KServeConnection connection =
        KServeConnection.open(address, KServeSettings.defaults().withSecurity(security))) {
      return connection.client().infer(LocalServer.request());
    }
  }

  @Test
  void aServerThatProvesItsNameIsAsked() throws IOException {
    try (LocalServer server = LocalServer.encrypted("localhost", certificate)) {
      InferAnswer answer =
          infer("localhost:" + server.port(), KServeSecurity.tls(certificate.pem()));

      assertThat(answer.output("Y").floats()).containsExactly(3);
    }
  }

  @Test
  void aServerThatProvesNothingIsNot() throws IOException {
    try (LocalServer server = LocalServer.encrypted("127.0.0.1", certificate)) {
      KServeSecurity trusting = KServeSecurity.tls(certificate.pem());

      assertThat(
              failure(
                  Reason.UNAVAILABLE,
                  () -> infer("localhost:" + server.port(), KServeSecurity.tls())))
          .isEqualTo("model 'm': TLS failed");
      assertThat(failure(Reason.UNAVAILABLE, () -> infer("127.0.0.1:" + server.port(), trusting)))
          .isEqualTo("model 'm': TLS failed");
      failure(Reason.UNAVAILABLE, () -> infer("localhost:" + server.port(), KServeSecurity.none()));
      assertThat(server.inferences()).isZero();
    }
    try (LocalServer plain = LocalServer.start("localhost", 0)) {
      failure(
          Reason.UNAVAILABLE,
          () -> infer("localhost:" + plain.port(), KServeSecurity.tls(certificate.pem())));
    }
  }

  @Test
  void aFleetChecksTheNameThatEachServerWasGivenBy() throws IOException {
    KServeSettings settings =
        KServeSettings.defaults().withSecurity(KServeSecurity.tls(certificate.pem()));
    HostLookup loopback = host -> new InetAddress[] {InetAddress.getByName("127.0.0.1")};
    try (LocalServer server = LocalServer.encrypted("127.0.0.1", certificate)) {
      try (KServeFleet fleet =
          KServeFleet.open(List.of("localhost:" + server.port()), List.of(), settings, loopback)) {
        assertThat(fleet.client().infer(LocalServer.request()).output("Y").floats())
            .containsExactly(3);
      }
      try (KServeFleet fleet =
          KServeFleet.open(List.of("other:" + server.port()), List.of(), settings, loopback)) {
        assertThat(failure(Reason.UNAVAILABLE, () -> fleet.client().infer(LocalServer.request())))
            .startsWith("model 'm': no server is ready; ")
            .endsWith(": TLS failed");
        assertThat(fleet.noneReady().orElseThrow())
            .startsWith("other:" + server.port() + " (127.0.0.1): ")
            .endsWith(": TLS failed");
      }
    }
  }

  @Test
  void aTokenGoesWithEachCall() throws IOException {
    try (LocalServer server = LocalServer.wanting("Bearer s3cret")) {
      String address = "127.0.0.1:" + server.port();

      assertThat(infer(address, KServeSecurity.none().withBearerToken("s3cret")).outputs())
          .hasSize(1);
      assertThat(failure(Reason.FORBIDDEN, () -> infer(address, KServeSecurity.none())))
          .isEqualTo("model 'm': who asks?");
      failure(
          Reason.FORBIDDEN, () -> infer(address, KServeSecurity.none().withBearerToken("other")));
    }
  }

  @Test
  void secretsAreNotShown() {
    KServeSecurity security = KServeSecurity.tls().withBearerToken("s3cret");

    assertThat(security)
        .hasToString(
            "KServeSecurity[encrypted=true, trusted=Optional.empty, metadata=[authorization]]");
    assertThat(KServeSettings.defaults().withSecurity(security).toString())
        .doesNotContain("s3cret");
    assertThatThrownBy(() -> KServeSecurity.none().withBearerToken("s3cret\nx: y"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "metadata.authorization: not shown (expected: printable ASCII in one line, not blank)");
  }

  @ParameterizedTest
  @CsvSource({"Authorization", "a b", "trace-bin", "''"})
  void namesThatCannotTravelAreRefused(String name) {
    assertThatThrownBy(() -> KServeSecurity.none().withMetadata(name, "v"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("metadata: '" + name + "'");
  }

  @Test
  void aFileThatHoldsNoCertificateIsNamed() throws IOException {
    Path wrong = Files.writeString(folder.resolve("wrong.pem"), "no certificate");
    Path absent = folder.resolve("absent.pem");

    for (Path file : List.of(wrong, absent)) {
      assertThatThrownBy(() -> infer("localhost:1", KServeSecurity.tls(file)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("trusted: " + file + ": ");
    }
    assertThatThrownBy(() -> new KServeSecurity(false, Optional.of(wrong), Map.of()))
        .hasMessage("trusted: " + wrong + " (expected: none without encryption)");
  }
}
