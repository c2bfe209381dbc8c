package io.ballast.kit.security;

import java.util.Map;
import java.util.Optional;

/**
 * By what callers are known.
 *
 * @param token whoever carries it operates the mesh; empty: nobody
 * @param certificates who holds certificates, by a name in them
 * @param jwt the identity provider whose tokens are believed; empty: none
 * @param processSecret what this process shows itself; new at each start
 */
public record IdentitySettings(
    Optional<String> token,
    Map<String, CertificateHolder> certificates,
    Optional<JwtSettings> jwt,
    String processSecret) {
  /** Copies. */
  public IdentitySettings {
    certificates = Map.copyOf(certificates);
  }

  /** Says nothing of secrets. */
  @Override
  public String toString() {
    return "IdentitySettings[token=%s, certificates=%s, jwt=%s]"
        .formatted(token.isPresent() ? "given" : "none", certificates, jwt);
  }
}
