package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.X509Certificate;
import java.time.Duration;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The certificate of a port is seen, whoever signed it; a port without TLS has none. */
class TlsLookTest {
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final String SECRET = "changeit";

  @TempDir private Path folder = Path.of(".");

  @Test
  void theCertificateIsSeenWhoeverSignedIt() throws Exception {
    try (ServerSocket server =
        context().getServerSocketFactory().createServerSocket(0, 1, loopback())) {
      Thread.ofVirtual().start(() -> shakeHands(server));

      assertThat(TlsLook.certificate("127.0.0.1", server.getLocalPort(), PATIENCE))
          .hasValueSatisfying(
              shown ->
                  assertThat(shown.getSubjectX500Principal().getName()).isEqualTo("CN=mesh.test"));
    }
  }

  @Test
  void aPortThatSpeaksSomethingElseHasNone() throws IOException {
    try (ServerSocket server = new ServerSocket(0, 1, loopback())) {
      Thread.ofVirtual().start(() -> saySomethingElse(server));

      assertThat(TlsLook.certificate("127.0.0.1", server.getLocalPort(), PATIENCE)).isEmpty();
    }
  }

  private static InetAddress loopback() {
    return InetAddress.getLoopbackAddress();
  }

  private static void shakeHands(ServerSocket server) {
    try (SSLSocket socket = (SSLSocket) server.accept()) {
      socket.startHandshake();
    } catch (IOException e) {
      // the test sees that nothing is shown
    }
  }

  private static void saySomethingElse(ServerSocket server) {
    try (Socket socket = server.accept()) {
      socket
          .getOutputStream()
          .write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      // the test sees that nothing is shown
    }
  }

  /** A key and its certificate, made by the JDK's own tool. */
  private SSLContext context() throws IOException, GeneralSecurityException, InterruptedException {
    Path store = folder.resolve("store.p12");
    int made =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-keystore",
                store.toString(),
                "-storepass",
                SECRET,
                "-alias",
                "mesh",
                "-keyalg",
                "EC",
                "-dname",
                "CN=mesh.test",
                "-validity",
                "3")
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("keytool.log").toFile())
            .start()
            .waitFor();
    assertThat(made).isZero();
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, SECRET.toCharArray());
    }
    assertThat(keys.getCertificate("mesh")).isInstanceOf(X509Certificate.class);
    KeyManagerFactory managers =
        KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(keys, SECRET.toCharArray());
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    return context;
  }
}
