package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/** Shows certificates, computes them again from what is stored, and revokes them. Thread-safe. */
public final class CertificateDesk {
  private static final int MAX_REASON_CHARACTERS = 500;

  private final SafetyTestStore store;
  private final CertificateSeal seal;
  private final CertificateClock clock;

  public CertificateDesk(SafetyTestStore store, CertificateSeal seal, CertificateClock clock) {
    this.store = store;
    this.seal = seal;
    this.clock = clock;
  }

  /**
   * What verification found.
   *
   * @param reason the first check that does not hold; empty if all hold
   * @param findings each check with what it found
   * @param recomputedUpperBound from the stored costs; NaN if they make no sample
   */
  public record Verification(
      String reason, List<String> findings, Evidence evidence, double recomputedUpperBound) {
    public Verification {
      findings = List.copyOf(findings);
    }

    /** Whether every check holds. */
    public boolean valid() {
      return reason.isEmpty();
    }
  }

  /**
   * One certificate with what it rests on.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none
   */
  public Evidence get(UUID id) {
    return store.evidence(id).orElseThrow(() -> unknown(id));
  }

  static MeshException unknown(UUID id) {
    return new MeshException(
        Fault.UNKNOWN_RESOURCE,
        "certificate_id: %s: there is no such certificate".formatted(id),
        Map.of("certificate_id", id.toString()));
  }

  /** The public keys that certificates are verified with. */
  public CertificateSeal.KeySet keys() {
    return seal.keys();
  }

  /**
   * Computes everything that a certificate says from the stored costs, and checks that it is valid
   * now. A clock that was moved back makes nothing valid again: the latest time that this database
   * has seen counts.
   *
   * @param expected what it must hold for
   * @throws MeshException UNKNOWN_RESOURCE if there is no such certificate
   */
  public Verification verify(UUID id, Expected expected) {
    return verify(get(id), expected, now());
  }

  /** What time it is for certificates; noted as seen. */
  Instant now() {
    return clock.now();
  }

  /** Checks what was read at {@code now}, or at the latest time that was ever seen. */
  Verification verify(Evidence evidence, Expected expected, Instant now) {
    Certificate certificate = evidence.certificate();
    Findings findings = new Findings();
    CertificateChecks checks = new CertificateChecks(findings);
    checkSignature(findings, evidence);
    findings.that(
        "revocation",
        evidence.revocation().isEmpty(),
        "not revoked",
        evidence
            .revocation()
            .map(made -> "revoked at %s: %s".formatted(made.at(), made.reason()))
            .orElse(""));
    findings.same("digest", certificate.digestSha256(), certificate.computeDigest());
    if (evidence.signed().isPresent()) {
      CertificateTerms terms = evidence.signed().get().terms();
      checks.terms(terms, certificate.outcome().numbers().delta(), expected, now);
      checks.evidence(terms, evidence.samples());
    }
    checks.weights(certificate, expected);
    double upper = checks.numbers(certificate, evidence.samples());
    findings.that(
        "test",
        evidence.testState() == TestState.PASSED,
        "passed",
        "its state is " + evidence.testState());
    checks.costModel(
        certificate, evidence.signed().flatMap(signed -> signed.terms().scope().dependence()));
    return new Verification(findings.reason(), findings.lines(), evidence, upper);
  }

  private void checkSignature(Findings findings, Evidence evidence) {
    String flaw =
        evidence
            .signed()
            .map(signed -> seal.flaw(signed).orElse(""))
            .orElse("none: it is of format 1, which allows no promotion; test the candidate again");
    findings.that(
        "signature",
        flaw.isEmpty(),
        "by key " + evidence.signed().map(signed -> signed.seal().keyId()).orElse(""),
        flaw);
  }

  /**
   * Makes a certificate void, for good. What it has promoted stays where it is.
   *
   * @param reason why, 1 to 500 characters on one line
   * @return the certificate with its revocation: the first, if it was revoked before
   * @throws MeshException UNKNOWN_RESOURCE if there is no such certificate; MALFORMED_REQUEST for a
   *     reason that is none
   */
  public Evidence revoke(UUID id, String reason, Caller caller) {
    if (Texts.requireLine("reason", reason, MAX_REASON_CHARACTERS).isBlank()) {
      throw Texts.malformed("reason", "empty (expected: why it is revoked)");
    }
    Evidence unused = get(id);
    store.revoke(id, new Revocation(clock.now(), reason, caller.tenant()));
    return get(id);
  }
}
