package io.ballast.kit.security;

import io.ballast.kit.call.BearerToken;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal.Proof;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Who callers are: each way of knowing them is asked in turn, what a header says before what a
 * certificate says, so that a server may ask on behalf of its own caller. What is shown and proves
 * nothing is refused, whatever else is shown. Thread-safe.
 */
public final class Identities implements AutoCloseable {
  /** Of what does not expire. */
  private static final InstantSource NO_MATTER = InstantSource.fixed(Instant.EPOCH);

  private static final Identities OPEN =
      new Identities(List.of(), Optional.empty(), Optional.empty(), NO_MATTER);

  private final List<Authenticator> byHeader;
  private final Optional<CertificateAuthenticator> byCertificate;
  private final Optional<JwtKeys> keys;
  private final InstantSource clock;

  private Identities(
      List<Authenticator> byHeader,
      Optional<CertificateAuthenticator> byCertificate,
      Optional<JwtKeys> keys,
      InstantSource clock) {
    this.byHeader = List.copyOf(byHeader);
    this.byCertificate = byCertificate;
    this.keys = keys;
    this.clock = clock;
  }

  /** Asks nobody who they are: everybody is anybody, and may everything. */
  public static Identities open() {
    return OPEN;
  }

  /** Knows the holder of one token, who operates the mesh for any tenant, and nobody else. */
  public static Identities token(String token) {
    return new Identities(List.of(operator(token)), Optional.empty(), Optional.empty(), NO_MATTER);
  }

  /**
   * Knows callers as {@code settings} say.
   *
   * @param tls asks callers for certificates, or does not; stays its owner's
   * @param clock by which tokens and certificates expire
   * @throws MeshException PRECONDITION_FAILED if the file of an identity provider's keys is none
   */
  public static Identities of(
      IdentitySettings settings, Optional<TlsIdentity> tls, InstantSource clock) {
    List<Authenticator> byHeader = new ArrayList<>();
    settings.token().map(Identities::operator).ifPresent(byHeader::add);
    Optional<JwtKeys> keys = settings.jwt().map(jwt -> JwtKeys.open(jwt.keys(), jwt.refresh()));
    settings
        .jwt()
        .ifPresent(jwt -> byHeader.add(new JwtAuthenticator(jwt, keys.orElseThrow(), clock)));
    Optional<CertificateAuthenticator> byCertificate =
        tls.filter(TlsIdentity::asksCallers)
            .map(own -> new CertificateAuthenticator(settings.certificates(), own::isOwn));
    if (byHeader.isEmpty() && byCertificate.isEmpty()) {
      return OPEN;
    }
    byHeader.add(
        new TokenAuthenticator(
            settings.processSecret(),
            new Principal(
                "this process", Optional.empty(), EnumSet.of(Right.PEER), Proof.PROCESS)));
    return new Identities(byHeader, byCertificate, keys, clock);
  }

  /** Whether nobody is asked who they are. */
  public boolean isOpen() {
    return byHeader.isEmpty() && byCertificate.isEmpty();
  }

  /**
   * Who shows {@code credentials}, and until when they prove it.
   *
   * @throws MeshException UNAUTHENTICATED if nobody does who is known here
   */
  public Known know(Credentials credentials) {
    if (isOpen()) {
      return Known.forGood(Principal.ANYBODY);
    }
    if (credentials.authorization().isEmpty() && byCertificate.isPresent()) {
      Optional<Known> known = byCertificate.get().know(credentials);
      if (known.isPresent()) {
        return known.get();
      }
    }
    for (Authenticator each : byHeader) {
      Optional<Known> known = each.know(credentials);
      if (known.isPresent()) {
        return known.get();
      }
    }
    throw new MeshException(Fault.UNAUTHENTICATED, BearerToken.ABSENT_OR_WRONG, Map.of());
  }

  /**
   * Who it is as {@link #know(Credentials)} says, for whoever speaks another protocol, where
   * neither a certificate nor an address is seen.
   *
   * @param authorization the header, as it came; null: absent
   */
  public Principal know(@Nullable String authorization) {
    return know(new Credentials(Optional.ofNullable(authorization), Optional.empty(), ""))
        .principal();
  }

  /** Whether what {@code known} showed proves nothing any more. */
  public boolean hasExpired(Known known) {
    return !clock.instant().isBefore(known.until());
  }

  @Override
  public void close() {
    keys.ifPresent(JwtKeys::close);
  }

  private static Authenticator operator(String token) {
    return new TokenAuthenticator(
        token,
        new Principal(
            "the mesh's token", Optional.empty(), EnumSet.allOf(Right.class), Proof.TOKEN));
  }
}
