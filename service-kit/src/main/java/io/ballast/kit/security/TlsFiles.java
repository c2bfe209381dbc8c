package io.ballast.kit.security;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.grpc.util.CertificateUtils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.Signature;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Reads PEM files. A file that is wrong is named with what is wrong with it; what is in it is not.
 */
final class TlsFiles {
  private static final byte[] PROBE = "ballast".getBytes(StandardCharsets.US_ASCII);

  private TlsFiles() {}

  /**
   * Certificates, at least one.
   *
   * @param property that names the file
   */
  static List<X509Certificate> certificates(String property, Path file) {
    try (InputStream in = Files.newInputStream(file)) {
      X509Certificate[] read = CertificateUtils.getX509Certificates(in);
      if (read.length == 0) {
        throw flaw(property, file, "no certificate", "certificates as PEM", null);
      }
      return List.of(read);
    } catch (IOException | GeneralSecurityException e) {
      throw flaw(property, file, words(e), "certificates as PEM", e);
    }
  }

  /** The key that belongs to {@code owner}. */
  static PrivateKey key(String property, Path file, X509Certificate owner) {
    PrivateKey key;
    try (InputStream in = Files.newInputStream(file)) {
      key = CertificateUtils.getPrivateKey(in);
    } catch (IOException | GeneralSecurityException | RuntimeException e) {
      throw flaw(property, file, words(e), "a key as PEM, PKCS #8, without a passphrase", e);
    }
    if (!belongs(key, owner)) {
      throw flaw(property, file, "another key", "the key of the certificate", null);
    }
    return key;
  }

  private static boolean belongs(PrivateKey key, X509Certificate owner) {
    String algorithm =
        switch (key.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> key.getAlgorithm();
        };
    try {
      Signature signature = Signature.getInstance(algorithm);
      signature.initSign(key);
      signature.update(PROBE);
      byte[] signed = signature.sign();
      signature.initVerify(owner.getPublicKey());
      signature.update(PROBE);
      return signature.verify(signed);
    } catch (GeneralSecurityException e) {
      return false;
    }
  }

  /** What a reader throws may quote what it read. */
  private static String words(Exception e) {
    if (e instanceof NoSuchFileException) {
      return "not there";
    }
    return e instanceof IOException ? "cannot be read" : "not as it should be";
  }

  private static MeshException flaw(
      String property, Path file, String flaw, String expected, @Nullable Exception cause) {
    String message = "%s: %s: %s (expected: %s)".formatted(property, file, flaw, expected);
    return cause == null
        ? new MeshException(
            Fault.PRECONDITION_FAILED,
            message,
            Map.of("property", property, "file", file.toString()))
        : new MeshException(Fault.PRECONDITION_FAILED, message, cause);
  }
}
