package io.ballast.safety.core.safetytest;

/**
 * A certificate of format 2.
 *
 * @param certificate who was tested, and the numbers
 * @param terms what it holds for, and until when
 * @param seal the signed document that says both
 */
public record SignedCertificate(
    Certificate certificate, CertificateTerms terms, CertificateSeal.Seal seal) {}
