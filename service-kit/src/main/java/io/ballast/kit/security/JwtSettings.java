package io.ballast.kit.security;

import java.time.Duration;
import java.util.Map;

/**
 * Whose signed tokens are believed, and where in them stands who it is. Tokens are signed by a
 * private key (RS, PS, ES), never by a shared one, and never unsigned.
 *
 * @param issuer the claim {@code iss}, exactly
 * @param audience what the claim {@code aud} must hold
 * @param keys where the issuer's public keys are, a JWK set: a file, or a URL of https (of http on
 *     loopback)
 * @param refresh how often they are read again, above 0
 * @param leeway how far clocks may differ, ≥ 0
 * @param nameClaim who it is, such as {@code sub}
 * @param tenantClaim on whose behalf it may ask; {@code *}: on any tenant's. A token without it is
 *     refused
 * @param rightsClaim a name or a list of them; dots lead into objects
 * @param rights what names in it mean; others are ignored
 * @param failuresPerSecond how many that prove nothing are looked at from one address, ≥ 1
 */
public record JwtSettings(
    String issuer,
    String audience,
    String keys,
    Duration refresh,
    Duration leeway,
    String nameClaim,
    String tenantClaim,
    String rightsClaim,
    Map<String, Right> rights,
    int failuresPerSecond) {
  /** Checks and copies. */
  public JwtSettings {
    require(refresh.isPositive(), "refresh", refresh, "above 0");
    require(
        !leeway.isNegative() && leeway.compareTo(Duration.ofMinutes(5)) <= 0,
        "leeway",
        leeway,
        "PT0S to PT5M");
    require(failuresPerSecond >= 1, "failures-per-second", failuresPerSecond, "≥ 1");
    rights = Map.copyOf(rights);
  }

  private static void require(boolean holds, String property, Object value, String expected) {
    if (!holds) {
      throw new IllegalArgumentException(
          "ballast.security.jwt.%s: %s (expected: %s)".formatted(property, value, expected));
    }
  }
}
