package io.ballast.safety.core.safetytest;

import java.security.PublicKey;
import java.util.Map;
import java.util.Optional;

/**
 * Ed25519 keys, shaped so that a key management service can hold the private one: it signs bytes
 * and never leaves. Rotation: verification keys are several, and one signs. Thread-safe.
 */
public interface SigningKeys {
  /** The id of the key that signs now; empty if there is none. */
  Optional<String> signingKeyId();

  /**
   * Signs with the key that {@link #signingKeyId} names.
   *
   * @return 64 bytes
   * @throws io.ballast.kit.error.MeshException DEPENDENCY_DOWN if the key cannot be used now
   * @throws IllegalStateException if there is none
   */
  byte[] sign(byte[] message);

  /** All keys that signatures may be by, the present one among them, by id. */
  Map<String, PublicKey> verificationKeys();
}
