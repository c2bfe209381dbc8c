package io.ballast.safety.core.safetytest;

import java.util.Optional;

/** Signs certificates, and tells a signed one from an altered one. Thread-safe. */
public interface CertificateSeal {
  /**
   * A signed document.
   *
   * @param keyId the key's JWK thumbprint (RFC 7638)
   * @param jws in compact form (RFC 7515)
   */
  record Seal(String keyId, String jws) {}

  /**
   * What seals are verified with.
   *
   * @param jwks a JSON Web Key Set (RFC 7517) of public keys
   * @param signingKeyId the key that signs now; empty if there is none
   */
  record KeySet(String jwks, String signingKeyId) {}

  /**
   * Checks that something can be signed.
   *
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if there is no key, naming the
   *     property to set
   */
  void requireKey();

  /**
   * Signs.
   *
   * @throws io.ballast.kit.error.MeshException as {@link #requireKey}; DEPENDENCY_DOWN if the key
   *     cannot be used now
   */
  Seal sign(Certificate certificate, CertificateTerms terms);

  /** Why {@code signed} is not what was signed; empty if it is. */
  Optional<String> flaw(SignedCertificate signed);

  /** The public keys. */
  KeySet keys();
}
