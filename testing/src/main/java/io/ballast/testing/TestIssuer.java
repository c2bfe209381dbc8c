package io.ballast.testing;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Date;
import java.util.List;

/** An identity provider whose tokens a test signs. */
public final class TestIssuer {
  /** The claim {@code iss}. */
  public static final String ISSUER = "https://issuer.example";

  /** The claim {@code aud}. */
  public static final String AUDIENCE = "ballast";

  private final ECKey key;

  /** Makes one, with a key of this id. */
  public TestIssuer(String keyId) {
    try {
      key = new ECKeyGenerator(Curve.P_256).keyID(keyId).generate();
    } catch (JOSEException e) {
      throw new IllegalStateException("no key", e);
    }
  }

  /** Its public keys, a JWK set. */
  public String keys() {
    return new JWKSet(key.toPublicJWK()).toString();
  }

  /** Writes its public keys. */
  public Path write(Path file) {
    try {
      return Files.writeString(file, keys());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Claims that a mesh takes, for a test to change. */
  public static JWTClaimsSet.Builder claims(
      String subject, String tenant, Instant expires, String... roles) {
    return new JWTClaimsSet.Builder()
        .issuer(ISSUER)
        .audience(AUDIENCE)
        .subject(subject)
        .claim("tenant", tenant)
        .claim("roles", List.of(roles))
        .expirationTime(Date.from(expires));
  }

  /** Signs {@code claims}: what stands after {@code Bearer} in a header. */
  public String sign(JWTClaimsSet claims) {
    SignedJWT token =
        new SignedJWT(
            new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build(), claims);
    try {
      token.sign(new ECDSASigner(key));
    } catch (JOSEException e) {
      throw new IllegalStateException("not signed", e);
    }
    return token.serialize();
  }
}
