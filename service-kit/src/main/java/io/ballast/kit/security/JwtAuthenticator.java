package io.ballast.kit.security;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.proc.BadJOSEException;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import io.ballast.kit.call.BearerToken;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.security.Principal.Proof;
import java.text.ParseException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Collection;
import java.util.Date;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Knows callers by tokens that an identity provider signed. A token that was checked is known again
 * by its digest, as long as it is good and the provider's keys are the same; thus few calls wait
 * for a signature to be checked. Thread-safe.
 */
final class JwtAuthenticator implements Authenticator {
  private static final String BEARER = "Bearer ";
  private static final String ANY_TENANT = "*";

  /** Characters of a name, which stands in logs. */
  private static final int SHOWN_NAME = 128;

  /** By a private key each: a public key can then be no shared one, and "none" is none of them. */
  private static final Set<JWSAlgorithm> ALGORITHMS =
      Set.of(
          JWSAlgorithm.RS256,
          JWSAlgorithm.RS384,
          JWSAlgorithm.RS512,
          JWSAlgorithm.PS256,
          JWSAlgorithm.PS384,
          JWSAlgorithm.PS512,
          JWSAlgorithm.ES256,
          JWSAlgorithm.ES384,
          JWSAlgorithm.ES512);

  private static final int MOST_KEPT = 10_000;

  private final JwtSettings settings;
  private final JwtKeys keys;
  private final InstantSource clock;
  private final FailedProofs failures;
  private final DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
  private final Cache<String, Checked> checked =
      Caffeine.newBuilder().maximumSize(MOST_KEPT).build();

  /**
   * What a token says that was checked.
   *
   * @param by the keys that it was checked by
   */
  private record Checked(Known holder, JWKSet by) {}

  JwtAuthenticator(JwtSettings settings, JwtKeys keys, InstantSource clock) {
    this.settings = settings;
    this.keys = keys;
    this.clock = clock;
    this.failures = new FailedProofs(settings.failuresPerSecond());
    processor.setJWSTypeVerifier(
        new DefaultJOSEObjectTypeVerifier<>(
            JOSEObjectType.JWT, new JOSEObjectType("at+jwt"), null));
    processor.setJWSKeySelector(new JWSVerificationKeySelector<>(ALGORITHMS, keys));
    DefaultJWTClaimsVerifier<SecurityContext> claims =
        new DefaultJWTClaimsVerifier<>(
            settings.audience(),
            new JWTClaimsSet.Builder().issuer(settings.issuer()).build(),
            Set.of("exp")) {
          @Override
          protected Date currentTime() {
            return Date.from(clock.instant());
          }
        };
    claims.setMaxClockSkew(Math.toIntExact(leeway().toSeconds()));
    processor.setJWTClaimsSetVerifier(claims);
  }

  @Override
  public Optional<Known> know(Credentials credentials) {
    return credentials
        .authorization()
        .filter(header -> header.startsWith(BEARER))
        .map(header -> header.substring(BEARER.length()))
        .filter(token -> token.chars().filter(c -> c == '.').count() == 2)
        .map(token -> holder(token, credentials.from()));
  }

  private Known holder(String token, String from) {
    String digest = Sha256.of(token);
    JWKSet by = keys.current(); // before they are used: what newer ones said is not kept as theirs
    Checked before = checked.getIfPresent(digest);
    if (before != null && before.by == by && clock.instant().isBefore(before.holder.until())) {
      return before.holder;
    }
    failures.require(from);
    try {
      JWTClaimsSet claims = claims(token);
      Known holder =
          new Known(holder(claims), claims.getExpirationTime().toInstant().plus(leeway()));
      if (by != null) {
        checked.put(digest, new Checked(holder, by));
      }
      return holder;
    } catch (MeshException e) {
      if (e.fault() == Fault.UNAUTHENTICATED) {
        failures.count(from);
      }
      throw e;
    }
  }

  private JWTClaimsSet claims(String token) {
    try {
      return processor.process(token, null);
    } catch (ParseException e) {
      throw refused(BearerToken.ABSENT_OR_WRONG);
    } catch (BadJOSEException | JOSEException e) {
      throw refused("the token is refused: " + e.getMessage());
    }
  }

  /** In whole seconds, as the claims are checked. */
  private Duration leeway() {
    return Duration.ofSeconds(settings.leeway().toSeconds());
  }

  private Principal holder(JWTClaimsSet claims) {
    String name = Texts.asLine(text(claims, settings.nameClaim()), SHOWN_NAME);
    Set<Right> rights = rights(value(claims, settings.rightsClaim()));
    if (rights.isEmpty()) {
      throw refused(
          "the token is refused: claim %s: no right of this mesh"
              .formatted(settings.rightsClaim()));
    }
    String tenant = text(claims, settings.tenantClaim());
    if (!tenant.equals(ANY_TENANT) && !Principal.isTenant(tenant)) {
      throw refused(
          "the token is refused: claim %s: no tenant (expected: %s)"
              .formatted(settings.tenantClaim(), Principal.TENANT_FORM));
    }
    return new Principal(
        name,
        tenant.equals(ANY_TENANT) ? Optional.empty() : Optional.of(tenant),
        rights,
        Proof.JWT);
  }

  private Set<Right> rights(@Nullable Object claim) {
    Collection<?> names = claim instanceof Collection<?> several ? several : named(claim);
    EnumSet<Right> rights = EnumSet.noneOf(Right.class);
    for (Object name : names) {
      Right right = settings.rights().get(String.valueOf(name));
      if (right != null) {
        rights.add(right);
      }
    }
    return rights;
  }

  /** One name, or several with spaces between, as the claim {@code scope} has them. */
  private static List<String> named(@Nullable Object claim) {
    return claim instanceof String text ? List.of(text.split(" ")) : List.of();
  }

  private static String text(JWTClaimsSet claims, String path) {
    if (value(claims, path) instanceof String text && !text.isBlank()) {
      return text;
    }
    throw refused("the token is refused: claim %s: none".formatted(path));
  }

  /** What stands at {@code path}; a claim whose own name has dots is found by its name. */
  private static @Nullable Object value(JWTClaimsSet claims, String path) {
    Object whole = claims.getClaim(path);
    if (whole != null) {
      return whole;
    }
    Object at = claims.getClaims();
    for (String part : path.split("\\.")) {
      at = at instanceof Map<?, ?> object ? object.get(part) : null;
    }
    return at;
  }

  private static MeshException refused(String why) {
    return new MeshException(Fault.UNAUTHENTICATED, why, Map.of());
  }
}
