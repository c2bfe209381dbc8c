package io.ballast.kit.security;

import java.util.Optional;
import java.util.Set;

/**
 * Who holds certificates of a name.
 *
 * @param tenant on whose behalf they may ask; empty: on any tenant's
 * @param rights what they may be, at least one
 */
public record CertificateHolder(Optional<String> tenant, Set<Right> rights) {
  /** Checks and copies. */
  public CertificateHolder {
    tenant.ifPresent(
        name -> {
          if (!Principal.isTenant(name)) {
            throw new IllegalArgumentException(
                "tenant: %s (expected: %s)".formatted(name, Principal.TENANT_FORM));
          }
        });
    rights = Set.copyOf(rights);
  }
}
