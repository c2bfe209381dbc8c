package io.ballast.inference.triton;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.X509Certificate;
import java.util.Base64;
import java.util.Objects;

/** A certificate for {@code localhost} that signs itself, made by this JDK's keytool. */
record SelfSigned(PrivateKey key, X509Certificate certificate, Path pem) {
  private static final char[] PASSWORD = "changeit".toCharArray();

  /** Makes one, with files in {@code folder}. */
  static SelfSigned make(Path folder)
      throws IOException, InterruptedException, GeneralSecurityException {
    Path store = folder.resolve("store.p12");
    Path words = folder.resolve("keytool.log");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=dns:localhost",
                "-storetype",
                "PKCS12",
                "-storepass",
                new String(PASSWORD),
                "-keystore",
                store.toString())
            .redirectErrorStream(true)
            .redirectOutput(words.toFile())
            .start();
    if (keytool.waitFor() != 0) {
      throw new AssertionError("keytool: " + Files.readString(words));
    }
    KeyStore keys = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(store)) {
      keys.load(in, PASSWORD);
    }
    X509Certificate certificate =
        (X509Certificate) Objects.requireNonNull(keys.getCertificate("server"));
    Path pem = folder.resolve("trusted.pem");
    Files.writeString(
        pem,
        "-----BEGIN CERTIFICATE-----\n%s\n-----END CERTIFICATE-----\n"
            .formatted(
                Base64.getMimeEncoder(64, "\n".getBytes(StandardCharsets.US_ASCII))
                    .encodeToString(certificate.getEncoded())));
    PrivateKey key = (PrivateKey) Objects.requireNonNull(keys.getKey("server", PASSWORD));
    return new SelfSigned(key, certificate, pem);
  }
}
