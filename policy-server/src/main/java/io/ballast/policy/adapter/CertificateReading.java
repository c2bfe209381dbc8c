package io.ballast.policy.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.policy.core.version.CertificateAuthority.Promotion;
import io.ballast.policy.core.version.PromotionLimits;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.JudgeDependence;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.SafetyTestOutcome;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * What the policy-server itself requires of a certificate and a leave that it is told to hold. A
 * safety-server that ignores a field of the request, as an older one would, does not open the gate.
 */
final class CertificateReading {
  private static final int SIGNED_FORMAT = 2;

  /** Parts of δ do not add up to the whole exactly. */
  private static final double ROUNDING = 1e-9;

  private final PromotionLimits limits;

  CertificateReading(PromotionLimits limits) {
    this.limits = limits;
  }

  /** What speaks against this certificate; empty: nothing. */
  Optional<String> flaw(Certificate certificate, Promotion promotion, Instant now) {
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
    return limit(certificate);
  }

  /** Which of the operator's limits it does not meet; empty: it meets all. */
  private Optional<String> limit(Certificate certificate) {
    SafetyTestOutcome outcome = certificate.getOutcome();
    double earlier = certificate.getAccount().getEarlierWeightsDelta();
    double delta = outcome.getDelta() + earlier;
    PinnedVersion judge = MeshMessages.version(certificate.getCostModel());
    Optional<BoundMethod> bound = bound(outcome);
    if (!(outcome.getUpperBound() <= outcome.getThreshold())) {
      return Optional.of(
          "outcome.upper_bound: %s (expected: at most its threshold, %s)"
              .formatted(outcome.getUpperBound(), outcome.getThreshold()));
    }
    if (!(outcome.getThreshold() <= limits.maxThreshold())) {
      return Optional.of(
          "outcome.threshold: %s (expected: at most %s, ballast.policy.promotion.max-threshold)"
              .formatted(outcome.getThreshold(), limits.maxThreshold()));
    }
    if (!(delta <= limits.maxDelta() * (1 + ROUNDING))) {
      return Optional.of(
          "outcome.delta: %s, with %s of earlier looks at these weights %s (expected: at most %s, ballast.policy.promotion.max-delta)"
              .formatted(outcome.getDelta(), earlier, delta, limits.maxDelta()));
    }
    if (outcome.getN() < limits.minObservations()) {
      return Optional.of(
          "outcome.n: %,d (expected: at least %,d, ballast.policy.promotion.min-observations)"
              .formatted(outcome.getN(), limits.minObservations()));
    }
    if (!limits.allows(judge)) {
      return Optional.of(
          "cost_model: '%s/%s' (expected: %s, ballast.policy.promotion.judges)"
              .formatted(judge.model(), judge.version(), oneOf(limits.judges())));
    }
    if (certificate.hasSameCostModel() && !limits.sameCostModel()) {
      JudgeDependence dependence = certificate.getSameCostModel();
      return Optional.of(
          "same_cost_model: the test allowed a judge that its run optimised against: optimised %s, %,d common labels, %,d unsaid models (expected: absent, or ballast.policy.promotion.same-cost-model on)"
              .formatted(
                  dependence.getOptimised(),
                  dependence.getCommonLabelsCount(),
                  dependence.getUnsaidModelsCount()));
    }
    if (!limits.bounds().isEmpty() && !bound.map(limits.bounds()::contains).orElse(false)) {
      return Optional.of(
          "outcome.bound_method: %s (expected: %s, ballast.policy.promotion.bounds)"
              .formatted(bound.map(BoundMethod::name).orElse("unknown"), oneOf(limits.bounds())));
    }
    return Optional.empty();
  }

  private static Optional<BoundMethod> bound(SafetyTestOutcome outcome) {
    String name = outcome.getBoundMethod().name();
    return Arrays.stream(BoundMethod.values())
        .filter(method -> name.equals("BOUND_METHOD_" + method.name()))
        .findFirst();
  }

  private static String oneOf(Set<?> allowed) {
    List<String> names = allowed.stream().map(Object::toString).sorted().toList();
    return names.size() == 1 ? names.getFirst() : "one of " + String.join(", ", names);
  }

  /** What speaks against this leave; empty: nothing. */
  Optional<String> flaw(Redemption redemption, Promotion promotion, Instant now) {
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
