package io.ballast.safety.adapter;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.Certificate;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.core.safetytest.SigningKeys;
import java.io.IOException;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** Certificates as signed JSON. Thread-safe. */
public final class JwsSeal implements CertificateSeal {
  private static final ObjectMapper JSON = new ObjectMapper();

  private final SigningKeys keys;

  public JwsSeal(SigningKeys keys) {
    this.keys = keys;
  }

  @Override
  public void requireKey() {
    var unused = signingKeyId();
  }

  private String signingKeyId() {
    return keys.signingKeyId()
        .orElseThrow(
            () ->
                new MeshException(
                    Fault.PRECONDITION_FAILED,
                    "no key to sign certificates with: set ballast.safety.signing-keys to a folder"
                        + " with an Ed25519 private key; nothing is passed unsigned"));
  }

  @Override
  public Seal sign(Certificate certificate, CertificateTerms terms) {
    String keyId = signingKeyId();
    byte[] payload = CertificateJson.bytes(CertificateJson.tree(certificate, terms));
    String jws = CompactJws.sign(payload, keyId, keys);
    try { // keys may have been changed between
      var unused = CompactJws.open(jws, keys.verificationKeys());
    } catch (CompactJws.Refused e) {
      throw new MeshException(
          Fault.DEPENDENCY_DOWN, "what was signed does not verify: " + e.getMessage(), e);
    }
    return new Seal(keyId, jws);
  }

  @Override
  public Optional<String> flaw(SignedCertificate signed) {
    try {
      CompactJws.Opened opened = CompactJws.open(signed.seal().jws(), keys.verificationKeys());
      JsonNode stored = CertificateJson.tree(signed.certificate(), signed.terms());
      if (Arrays.equals(CertificateJson.bytes(stored), opened.payload())) {
        return opened.keyId().equals(signed.seal().keyId())
            ? Optional.empty()
            : Optional.of("altered: key_id is stored otherwise than it was signed");
      }
      return Optional.of(
          "altered: %s is stored otherwise than it was signed"
              .formatted(difference(stored, JSON.readTree(opened.payload()))));
    } catch (CompactJws.Refused e) {
      return Optional.of(String.valueOf(e.getMessage()));
    } catch (IOException e) {
      return Optional.of("altered: what was signed is no JSON");
    }
  }

  /** The first field, by name, that two documents differ in. */
  private static String difference(JsonNode stored, JsonNode signed) {
    Set<String> fields = new TreeSet<>();
    addNames(fields, stored);
    addNames(fields, signed);
    for (String field : fields) {
      JsonNode one = stored.path(field);
      JsonNode other = signed.path(field);
      if (!Arrays.equals(CertificateJson.bytes(one), CertificateJson.bytes(other))) {
        return one.isObject() && other.isObject() ? field + "." + difference(one, other) : field;
      }
    }
    return "its order";
  }

  private static void addNames(Set<String> names, JsonNode object) {
    for (Iterator<String> each = object.fieldNames(); each.hasNext(); ) {
      names.add(each.next());
    }
  }

  @Override
  public KeySet keys() {
    return new KeySet(Ed25519Keys.jwks(keys.verificationKeys()), keys.signingKeyId().orElse(""));
  }
}
