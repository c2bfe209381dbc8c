package io.ballast.safety.adapter;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.ballast.safety.core.safetytest.SigningKeys;
import java.nio.charset.StandardCharsets;
import java.security.PublicKey;
import java.util.Map;
import org.jose4j.base64url.Base64Url;
import org.jose4j.jwa.AlgorithmConstraints;
import org.jose4j.jwa.AlgorithmConstraints.ConstraintType;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.jws.JsonWebSignature;
import org.jose4j.jwx.CompactSerializer;
import org.jose4j.lang.JoseException;

/**
 * JSON Web Signatures in compact form by EdDSA over Ed25519, and no other algorithm: a document
 * cannot choose how it is verified. Source: RFC 7515, RFC 8037.
 */
final class CompactJws {
  /** What a signed document is, so that none passes for another. */
  static final String TYPE = "ballast-certificate+json";

  private static final AlgorithmConstraints ONLY_EDDSA =
      new AlgorithmConstraints(ConstraintType.PERMIT, AlgorithmIdentifiers.EDDSA);

  private CompactJws() {}

  /** Why a document is not accepted. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String why) {
      super(why);
    }
  }

  /**
   * A document whose signature holds.
   *
   * @param keyId the key that signed it
   */
  record Opened(String keyId, byte[] payload) {}

  /** Signs with the key that signs now. */
  static String sign(byte[] payload, String keyId, SigningKeys keys) {
    ObjectNode header = JsonNodeFactory.instance.objectNode();
    header.put("alg", AlgorithmIdentifiers.EDDSA).put("kid", keyId).put("typ", TYPE);
    String input =
        CompactSerializer.serialize(
            Base64Url.encode(CertificateJson.bytes(header)), Base64Url.encode(payload));
    byte[] signature = keys.sign(input.getBytes(StandardCharsets.US_ASCII));
    return CompactSerializer.serialize(input, Base64Url.encode(signature));
  }

  /** Opens a document that one of {@code keys} signed. */
  static Opened open(String compact, Map<String, PublicKey> keys) throws Refused {
    JsonWebSignature jws = new JsonWebSignature();
    jws.setAlgorithmConstraints(ONLY_EDDSA);
    try {
      jws.setCompactSerialization(compact);
      String keyId = String.valueOf(jws.getKeyIdHeaderValue());
      if (!TYPE.equals(jws.getHeader("typ"))) {
        throw new Refused(
            "the document is a %s (expected: %s)".formatted(jws.getHeader("typ"), TYPE));
      }
      PublicKey key = keys.get(keyId);
      if (key == null) {
        throw new Refused(
            "by key %s, which is not among the %d verification keys".formatted(keyId, keys.size()));
      }
      jws.setKey(key);
      if (!jws.verifySignature()) {
        throw new Refused("altered: it is not what key %s signed".formatted(keyId));
      }
      return new Opened(keyId, jws.getPayloadBytes());
    } catch (JoseException e) {
      throw new Refused("no document that can be verified: " + e.getMessage());
    }
  }
}
