package io.ballast.safety.adapter;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.security.GeneralSecurityException;
import java.security.InvalidKeyException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.Signature;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.security.spec.X509EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jose4j.jwk.JsonWebKey;
import org.jose4j.jwk.JsonWebKeySet;
import org.jose4j.jwk.OctetKeyPairJsonWebKey;
import org.jose4j.jws.AlgorithmIdentifiers;
import org.jose4j.lang.JoseException;

/** Ed25519 keys as PEM text (RFC 7468) and as JSON Web Keys (RFC 8037). */
final class Ed25519Keys {
  static final String PRIVATE = "PRIVATE KEY";
  static final String PUBLIC = "PUBLIC KEY";

  private static final String ALGORITHM = "Ed25519";
  private static final int LINE = 64;

  private Ed25519Keys() {}

  static KeyPair generate(SecureRandom random) {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance(ALGORITHM);
      generator.initialize(255, random);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw absent(e);
    }
  }

  static String pem(String label, byte[] encoded) {
    String body = Base64.getMimeEncoder(LINE, new byte[] {'\n'}).encodeToString(encoded);
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(label, body, label);
  }

  /** What the first block of a PEM text is; empty if there is none. */
  static String label(String pem) {
    int begin = pem.indexOf("-----BEGIN ");
    int end = begin < 0 ? -1 : pem.indexOf("-----", begin + 11);
    return end < 0 ? "" : pem.substring(begin + 11, end);
  }

  /**
   * @throws IllegalArgumentException if it is no Ed25519 key in PKCS #8
   */
  static PrivateKey privateKey(String pem) {
    try {
      return factory().generatePrivate(new PKCS8EncodedKeySpec(body(PRIVATE, pem)));
    } catch (InvalidKeySpecException e) {
      throw new IllegalArgumentException("no Ed25519 private key in PKCS #8", e);
    }
  }

  /**
   * @throws IllegalArgumentException if it is no Ed25519 key in X.509
   */
  static PublicKey publicKey(String pem) {
    try {
      return factory().generatePublic(new X509EncodedKeySpec(body(PUBLIC, pem)));
    } catch (InvalidKeySpecException e) {
      throw new IllegalArgumentException("no Ed25519 public key", e);
    }
  }

  private static byte[] body(String label, String pem) {
    String begin = "-----BEGIN " + label + "-----";
    int from = pem.indexOf(begin);
    int to = from < 0 ? -1 : pem.indexOf("-----END " + label + "-----", from);
    if (to < 0) {
      throw new IllegalArgumentException("no block " + label + " (expected: PEM)");
    }
    return Base64.getMimeDecoder().decode(pem.substring(from + begin.length(), to));
  }

  static byte[] sign(PrivateKey key, byte[] message) {
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initSign(key);
      signature.update(message);
      return signature.sign();
    } catch (InvalidKeyException e) {
      throw new MeshException(Fault.DEPENDENCY_DOWN, "the signing key cannot be used", e);
    } catch (GeneralSecurityException e) {
      throw absent(e);
    }
  }

  /** Whether both halves are of one key. */
  static boolean match(PrivateKey privateKey, PublicKey publicKey) {
    byte[] probe = {1};
    try {
      Signature signature = Signature.getInstance(ALGORITHM);
      signature.initVerify(publicKey);
      signature.update(probe);
      return signature.verify(sign(privateKey, probe));
    } catch (GeneralSecurityException e) {
      throw absent(e);
    }
  }

  /** A key's id: its JWK thumbprint. Source: RFC 7638. */
  static String id(PublicKey key) {
    return new OctetKeyPairJsonWebKey(key).calculateBase64urlEncodedThumbprint("SHA-256");
  }

  /** A JSON Web Key Set. Source: RFC 7517. */
  static String jwks(Map<String, PublicKey> keys) {
    List<JsonWebKey> all = new ArrayList<>();
    new TreeMap<>(keys)
        .forEach(
            (id, key) -> {
              OctetKeyPairJsonWebKey jwk = new OctetKeyPairJsonWebKey(key);
              jwk.setKeyId(id);
              jwk.setUse("sig");
              jwk.setAlgorithm(AlgorithmIdentifiers.EDDSA);
              all.add(jwk);
            });
    return new JsonWebKeySet(all).toJson(JsonWebKey.OutputControlLevel.PUBLIC_ONLY);
  }

  /**
   * The Ed25519 keys of a JSON Web Key Set, by their thumbprints, whatever it calls them.
   *
   * @throws IllegalArgumentException if it is none
   */
  static Map<String, PublicKey> ofJwks(String jwks) {
    Map<String, PublicKey> keys = new TreeMap<>();
    try {
      for (JsonWebKey key : new JsonWebKeySet(jwks).getJsonWebKeys()) {
        if (key instanceof OctetKeyPairJsonWebKey okp
            && okp.getSubtype().equals(OctetKeyPairJsonWebKey.SUBTYPE_ED25519)) {
          keys.put(id(okp.getPublicKey()), okp.getPublicKey());
        }
      }
    } catch (JoseException e) {
      throw new IllegalArgumentException("no JSON Web Key Set: " + e.getMessage(), e);
    }
    return keys;
  }

  private static KeyFactory factory() {
    try {
      return KeyFactory.getInstance(ALGORITHM);
    } catch (GeneralSecurityException e) {
      throw absent(e);
    }
  }

  private static IllegalStateException absent(GeneralSecurityException e) {
    return new IllegalStateException("every Java platform since 15 has Ed25519", e);
  }
}
