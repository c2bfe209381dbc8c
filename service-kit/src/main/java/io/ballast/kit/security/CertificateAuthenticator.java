package io.ballast.kit.security;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal.Proof;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import javax.naming.InvalidNameException;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;

/**
 * Knows callers by the names in their certificates: DNS names and URIs (as SPIFFE has them), and,
 * of a certificate that has neither, the common name.
 */
final class CertificateAuthenticator implements Authenticator {
  private static final int DNS_NAME = 2;
  private static final int URI_NAME = 6;

  private final Map<String, CertificateHolder> holders;
  private final BiPredicate<X509Certificate, Instant> own;

  /**
   * @param holders by a name in their certificates
   * @param own whether a certificate is, or was at a time, this process's: who has it too is a
   *     server of this mesh
   */
  CertificateAuthenticator(
      Map<String, CertificateHolder> holders, BiPredicate<X509Certificate, Instant> own) {
    this.holders = Map.copyOf(holders);
    this.own = own;
  }

  @Override
  public Optional<Known> know(Credentials credentials) {
    return credentials.certificate().map(this::holder);
  }

  private Known holder(Credentials.Shown shown) {
    List<String> names = names(shown.certificate());
    if (own.test(shown.certificate(), shown.time())) {
      String name = names.isEmpty() ? "a server of this mesh" : names.getFirst();
      // a new certificate ends nothing between the servers of this mesh
      return Known.forGood(
          new Principal(name, Optional.empty(), EnumSet.of(Right.PEER), Proof.CERTIFICATE));
    }
    for (String name : names) {
      CertificateHolder holder = holders.get(name);
      if (holder != null) {
        return new Known(
            new Principal(name, holder.tenant(), holder.rights(), Proof.CERTIFICATE),
            shown.certificate().getNotAfter().toInstant());
      }
    }
    throw new MeshException(
        Fault.UNAUTHENTICATED,
        "the certificate is good, but its names are nobody's here: " + String.join(", ", names),
        Map.of("names", String.join(",", names)));
  }

  /** The names by which a certificate is looked for, in the order in which they are. */
  static List<String> names(X509Certificate certificate) {
    List<String> names = new ArrayList<>();
    try {
      Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
      if (alternatives != null) {
        for (List<?> each : alternatives) {
          if (each.get(0) instanceof Integer kind
              && (kind == DNS_NAME || kind == URI_NAME)
              && each.get(1) instanceof String name) {
            names.add(name);
          }
        }
      }
      if (names.isEmpty()) {
        for (Rdn part : new LdapName(certificate.getSubjectX500Principal().getName()).getRdns()) {
          if (part.getType().equalsIgnoreCase("CN")) {
            names.add(String.valueOf(part.getValue()));
          }
        }
      }
    } catch (CertificateParsingException | InvalidNameException e) {
      throw new MeshException(
          Fault.UNAUTHENTICATED, "the certificate's names cannot be read", Map.of());
    }
    return names;
  }
}
