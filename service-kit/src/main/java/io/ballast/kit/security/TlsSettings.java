package io.ballast.kit.security;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/**
 * The files that a process proves itself with and believes others by.
 *
 * @param certificate PEM, the process's own first, then those that lead to an authority
 * @param key PEM, PKCS #8, without a passphrase
 * @param trust PEM of the authorities that are believed; empty: those of this Java
 * @param clients what callers have to show
 * @param reloadInterval how often the files are read again, above 0
 */
public record TlsSettings(
    Path certificate,
    Path key,
    Optional<Path> trust,
    ClientCertificates clients,
    Duration reloadInterval) {
  /** Whether callers prove themselves by certificates. */
  public enum ClientCertificates {
    /** They are not asked for one. */
    NONE,
    /** They may show one; a token or nothing does as well, as far as the rights of the call go. */
    OPTIONAL,
    /** Without one that an authority vouches for no connection is made. */
    REQUIRE
  }

  /** Checks what belongs together. */
  public TlsSettings {
    if (!reloadInterval.isPositive()) {
      throw new IllegalArgumentException(
          "ballast.tls.reload-interval: %s (expected: above 0)".formatted(reloadInterval));
    }
    if (clients != ClientCertificates.NONE && trust.isEmpty()) {
      throw new IllegalArgumentException(
          "ballast.tls.client-auth: %s (expected: NONE, or ballast.tls.trust with the authorities of"
                  .formatted(clients)
              + " the callers' certificates)");
    }
  }
}
