package io.ballast.kit.security;

import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.Optional;

/**
 * What a call shows of who makes it.
 *
 * @param authorization the header of this name, as it came
 * @param certificate of the connection, checked by TLS already
 * @param from the address that it comes from; empty: not known
 */
public record Credentials(
    Optional<String> authorization, Optional<Shown> certificate, String from) {
  /**
   * A certificate.
   *
   * @param time when the connection was made that it was shown for
   */
  public record Shown(X509Certificate certificate, Instant time) {}

  /** Says nothing of the header: it is a secret. */
  @Override
  public String toString() {
    return "Credentials[authorization=%s, certificate=%s]"
        .formatted(
            authorization.isPresent() ? "given" : "none",
            certificate.isPresent() ? "given" : "none");
  }
}
