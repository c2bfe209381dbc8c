package io.ballast.loadtest.bench;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;
import java.util.Map;

/**
 * A certificate for 127.0.0.1, good for two days, made by the keytool of the JDK.
 *
 * @param certificate its file, PEM
 * @param key the file of its key, PEM
 */
record LoopbackCertificate(Path certificate, Path key) {
  private static final String ALIAS = "mesh";
  private static final String PASSWORD = "for-two-days";

  /**
   * Makes one.
   *
   * @param folder that may be written
   * @throws IOException if keytool fails, with what it says
   */
  static LoopbackCertificate make(Path folder) throws IOException, InterruptedException {
    Files.createDirectories(folder);
    Path store = folder.resolve("mesh.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                ALIAS,
                "-keyalg",
                "EC",
                "-groupname",
                "secp256r1",
                "-dname",
                "CN=localhost",
                "-ext",
                "san=ip:127.0.0.1,dns:localhost",
                "-validity",
                "2",
                "-storetype",
                "PKCS12",
                "-keystore",
                store.toString(),
                "-storepass",
                PASSWORD)
            .redirectErrorStream(true)
            .start();
    String said = new String(keytool.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (keytool.waitFor() != 0) {
      throw new IOException("keytool: " + said.strip());
    }
    try (InputStream file = Files.newInputStream(store)) {
      KeyStore keys = KeyStore.getInstance("PKCS12");
      keys.load(file, PASSWORD.toCharArray());
      return new LoopbackCertificate(
          pem(folder.resolve("mesh.crt"), "CERTIFICATE", keys.getCertificate(ALIAS).getEncoded()),
          pem(
              folder.resolve("mesh.key"),
              "PRIVATE KEY",
              keys.getKey(ALIAS, PASSWORD.toCharArray()).getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IOException(store + ": " + e.getMessage(), e);
    }
  }

  private static Path pem(Path file, String what, byte[] bytes) throws IOException {
    String text =
        Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII)).encodeToString(bytes);
    return Files.write(
        file,
        List.of("-----BEGIN %s-----".formatted(what), text, "-----END %s-----".formatted(what)));
  }

  /** Of a client that trusts it and no other. */
  ChannelCredentials trusted() throws IOException {
    return TlsChannelCredentials.newBuilder().trustManager(certificate.toFile()).build();
  }

  /** What tells a mesh to encrypt with it. */
  Map<String, String> environment() {
    return Map.of(
        "BALLAST_TLS_CERTIFICATE", certificate.toString(), "BALLAST_TLS_KEY", key.toString());
  }
}
