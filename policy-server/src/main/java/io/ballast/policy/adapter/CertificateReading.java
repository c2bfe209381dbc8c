package io.ballast.policy.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.policy.core.version.CertificateAuthority.Promotion;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.Redemption;
import java.time.Instant;
import java.util.Optional;

/**
 * What the policy-server itself requires of a certificate and a leave that it is told to hold. A
 * safety-server that ignores a field of the request, as an older one would, does not open the gate.
 */
final class CertificateReading {
  private static final int SIGNED_FORMAT = 2;

  private CertificateReading() {}

  /** What speaks against this certificate; empty: nothing. */
  static Optional<String> flaw(Certificate certificate, Promotion promotion, Instant now) {
    PinnedVersion named = MeshMessages.version(certificate.getCandidate());
    PinnedVersion base = MeshMessages.version(certificate.getBase());
    if (certificate.getFormat() != SIGNED_FORMAT) {
      return Optional.of("format: %d (expected: 2, signed)".formatted(certificate.getFormat()));
    }
    if (certificate.getJws().chars().filter(c -> c == '.').count() != 2) {
      return Optional.of("jws: none in compact form (expected: the signed document)");
    }
    if (!certificate.getCertificateId().equals(promotion.certificateId())) {
      return differs("certificate_id", certificate.getCertificateId(), promotion.certificateId());
    }
    if (!named.equals(promotion.candidate())) {
      return Optional.of(
          "it names %s, this is %s".formatted(spelled(named), spelled(promotion.candidate())));
    }
    if (!certificate.getCandidateFolderSha256().equals(promotion.folderSha256())) {
      return differs(
          "candidate_folder_sha256",
          certificate.getCandidateFolderSha256(),
          promotion.folderSha256());
    }
    if (!certificate.getAlias().isEmpty() && !certificate.getAlias().equals(promotion.alias())) {
      return differs("alias", certificate.getAlias(), promotion.alias());
    }
    if (!certificate.hasBase() || !base.equals(promotion.base())) {
      return Optional.of(
          "base: it was compared with %s, %s serves %s"
              .formatted(
                  certificate.hasBase() ? spelled(base) : "nothing",
                  promotion.alias(),
                  spelled(promotion.base())));
    }
    if (certificate.hasRevocation()) {
      return Optional.of("revocation: revoked: " + certificate.getRevocation().getReason());
    }
    if (!certificate.hasExpireTime()
        || !now.isBefore(Timestamps.instant(certificate.getExpireTime()))) {
      return Optional.of(
          "expire_time: %s (expected: after %s)"
              .formatted(
                  certificate.hasExpireTime()
                      ? Timestamps.instant(certificate.getExpireTime())
                      : "absent",
                  now));
    }
    return Optional.empty();
  }

  /** What speaks against this leave; empty: nothing. */
  static Optional<String> flaw(Redemption redemption, Promotion promotion, Instant now) {
    if (redemption.getRedemptionId().isEmpty()) {
      return Optional.of("redemption_id: empty (expected: the leave's id)");
    }
    if (!redemption.getAlias().equals(promotion.alias())) {
      return differs("redemption.alias", redemption.getAlias(), promotion.alias());
    }
    PinnedVersion base = MeshMessages.version(redemption.getBase());
    if (!base.equals(promotion.base())) {
      return differs("redemption.base", spelled(base), spelled(promotion.base()));
    }
    if (redemption.getAliasRevision() != promotion.revision()) {
      return differs(
          "redemption.alias_revision",
          Long.toString(redemption.getAliasRevision()),
          Long.toString(promotion.revision()));
    }
    if (!now.isBefore(Timestamps.instant(redemption.getExpireTime()))) {
      return Optional.of(
          "redemption.expire_time: %s (expected: after %s)"
              .formatted(Timestamps.instant(redemption.getExpireTime()), now));
    }
    return flaw(redemption.getCertificate(), promotion, now);
  }

  private static Optional<String> differs(String field, String said, String expected) {
    return Optional.of("%s: '%s' (expected: '%s')".formatted(field, said, expected));
  }

  private static String spelled(PinnedVersion version) {
    return "%s/%s with weights %s"
        .formatted(version.model(), version.version(), version.weightsSha256());
  }
}
