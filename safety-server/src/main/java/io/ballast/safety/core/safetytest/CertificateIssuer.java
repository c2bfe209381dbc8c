package io.ballast.safety.core.safetytest;

import io.ballast.kit.call.TimeOrderedIds;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;

/** Issues the certificate of a test that passed: signed, or not at all. Thread-safe. */
public final class CertificateIssuer {
  private final CertificateSeal seal;
  private final Duration validity;
  private final String codeVersion;
  private final TimeOrderedIds ids;
  private final CertificateClock clock;

  /**
   * @param validity how long a certificate allows a promotion, &gt; 0
   * @param codeVersion of this server
   */
  public CertificateIssuer(
      CertificateSeal seal,
      Duration validity,
      String codeVersion,
      TimeOrderedIds ids,
      CertificateClock clock) {
    this.seal = seal;
    this.validity = validity;
    this.codeVersion = codeVersion;
    this.ids = ids;
    this.clock = clock;
  }

  /**
   * @throws io.ballast.kit.error.MeshException PRECONDITION_FAILED if nothing can be signed here
   */
  void requireKey() {
    seal.requireKey();
  }

  /**
   * Issues one. It is stored by whoever asked. Its time is never before that of an earlier one,
   * even if the clock was moved back.
   *
   * @throws io.ballast.kit.error.MeshException if it cannot be signed now
   */
  SignedCertificate issue(ClaimedTest test, TestOutcome outcome, List<SampledCost> samples) {
    Instant at = clock.now();
    TestSpec spec = test.spec();
    Certificate certificate =
        Certificate.issue(ids.next(), test.id(), spec, outcome, SampledCost.costs(samples), at);
    CertificateTerms terms =
        new CertificateTerms(
            spec.scope(),
            spec.maxPromptTokens(),
            spec.chunk(),
            spec.prompts().groupsCount(),
            SampledCost.merkleRoot(samples),
            at.plus(validity).truncatedTo(ChronoUnit.MICROS),
            codeVersion,
            test.id(),
            Optional.of(test.look()),
            Optional.of(test.account()));
    return new SignedCertificate(certificate, terms, seal.sign(certificate, terms));
  }
}
