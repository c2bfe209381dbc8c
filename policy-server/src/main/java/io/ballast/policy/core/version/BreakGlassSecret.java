package io.ballast.policy.core.version;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The secret that lets an operator move an alias without a certificate. */
public final class BreakGlassSecret {
  private static final int LEAST_CHARACTERS = 16;

  private final Optional<String> secret;

  /**
   * Binds the secret.
   *
   * @param secret at least 16 characters; absent: nobody may
   * @throws IllegalArgumentException for a shorter one
   */
  public BreakGlassSecret(Optional<String> secret) {
    if (secret.isPresent() && secret.get().length() < LEAST_CHARACTERS) {
      throw new IllegalArgumentException(
          "ballast.policy.break-glass-token-file: a secret of %d characters (expected: ≥ %d)"
              .formatted(secret.get().length(), LEAST_CHARACTERS));
    }
    this.secret = secret;
  }

  /**
   * Lets a caller pass who knows the secret.
   *
   * @param given what the call carries, if anything
   * @throws MeshException FORBIDDEN if it is not the secret, or if there is none
   */
  void require(@Nullable String given) {
    if (secret.isEmpty()) {
      throw new MeshException(
          Fault.FORBIDDEN,
          "no alias moves without a certificate here (ballast.policy.break-glass-token-file is not"
              + " set)");
    }
    boolean known = given != null && MessageDigest.isEqual(bytes(secret.get()), bytes(given));
    if (!known) {
      throw new MeshException(
          Fault.FORBIDDEN, "the header x-ballast-break-glass is absent or wrong");
    }
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
