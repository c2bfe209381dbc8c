package io.ballast.policy.testing;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CertificateRevocation;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;

/**
 * Certificates of a fake safety-server. It compares every field of a request, as the true one does,
 * unless it {@link #lies}: then it calls everything valid, and what the policy-server requires by
 * itself is seen.
 */
public final class FakeCertificates {
  /** When certificates end. */
  public static final Instant END = TestClock.START.plus(Duration.ofDays(7));

  /** Whether every certificate that there is counts as valid. */
  public volatile boolean lies;

  /** What a leave says in place of what it would say. */
  public volatile UnaryOperator<Redemption.Builder> leave = builder -> builder;

  /** What certificates were redeemed for, in order. */
  public final List<RedeemCertificateRequest> redeemed = new CopyOnWriteArrayList<>();

  private final Map<String, Certificate> certificates = new ConcurrentHashMap<>();
  private final Map<String, RedeemCertificateRequest> spent = new ConcurrentHashMap<>();

  /** Issues a certificate for {@code candidate} of "java-tiny" where {@code base} serves. */
  public void issue(String id, String candidate, String base) {
    issue(id, version(candidate), version(base));
  }

  /** Issues a certificate. */
  public void issue(String id, ModelVersion candidate, ModelVersion base) {
    certificates.put(
        id,
        Certificate.newBuilder()
            .setCertificateId(id)
            .setFormat(2)
            .setJws("e30.e30.c2lnbmVk")
            .setCandidate(candidate)
            .setCandidateFolderSha256(
                FakeModels.folderSha256Of(candidate.getModel(), candidate.getVersion()))
            .setBase(base)
            .setExpireTime(Timestamps.of(END))
            .build());
  }

  /** Makes a certificate say something else. */
  public void change(String id, UnaryOperator<Certificate.Builder> change) {
    certificates.computeIfPresent(
        id, (key, certificate) -> change.apply(certificate.toBuilder()).build());
  }

  /** Makes a certificate void. */
  public void revoke(String id, String reason) {
    change(
        id,
        certificate ->
            certificate.setRevocation(CertificateRevocation.newBuilder().setReason(reason)));
  }

  /** A version of "java-tiny" as it is published. */
  public static ModelVersion version(String version) {
    return ModelVersion.newBuilder()
        .setModel(FakeModels.MODEL)
        .setVersion(version)
        .setWeightsSha256(FakeModels.sha256(version))
        .build();
  }

  Certificate get(GetCertificateRequest request) {
    return require(request.getCertificateId());
  }

  VerifyCertificateResponse verify(VerifyCertificateRequest request) {
    Certificate certificate = require(request.getCertificateId());
    String flaw =
        lies
            ? ""
            : flaw(
                certificate,
                request.getCandidateWeightsSha256(),
                request.getCandidateFolderSha256(),
                request.getAlias());
    return VerifyCertificateResponse.newBuilder()
        .setValid(flaw.isEmpty())
        .setReason(flaw)
        .addFindings(flaw.isEmpty() ? "all: holds" : flaw)
        .setCertificate(certificate)
        .build();
  }

  Redemption redeem(RedeemCertificateRequest request) {
    redeemed.add(request);
    Certificate certificate = require(request.getCertificateId());
    if (!lies) {
      requireRedeemable(certificate, request);
    }
    return leave
        .apply(
            Redemption.newBuilder()
                .setRedemptionId("leave-" + request.getMetadata().getIdempotencyKey())
                .setCertificate(certificate)
                .setAlias(request.getAlias())
                .setBase(request.getBase())
                .setAliasRevision(request.getAliasRevision())
                .setExpireTime(Timestamps.of(END)))
        .build();
  }

  private void requireRedeemable(Certificate certificate, RedeemCertificateRequest request) {
    String flaw =
        flaw(
            certificate,
            request.getCandidate().getWeightsSha256(),
            request.getCandidateFolderSha256(),
            request.getAlias());
    if (flaw.isEmpty() && !certificate.getCandidate().equals(request.getCandidate())) {
      flaw = "candidate: differs";
    }
    if (flaw.isEmpty() && !certificate.getBase().equals(request.getBase())) {
      flaw = "base: differs";
    }
    if (flaw.isEmpty() && request.getMetadata().getIdempotencyKey().isEmpty()) {
      throw refused(Status.INVALID_ARGUMENT, "metadata.idempotency_key: empty");
    }
    String place = request.getCertificateId() + " for " + request.getAlias();
    RedeemCertificateRequest before = spent.putIfAbsent(place, request);
    if (flaw.isEmpty()
        && before != null
        && before.getAliasRevision() != request.getAliasRevision()) {
      flaw = "alias: it was redeemed for it before";
    }
    if (!flaw.isEmpty()) {
      throw refused(
          Status.FAILED_PRECONDITION,
          "certificate %s cannot be redeemed: %s".formatted(request.getCertificateId(), flaw));
    }
  }

  private static String flaw(Certificate certificate, String weights, String folder, String alias) {
    if (certificate.hasRevocation()) {
      return "revocation: " + certificate.getRevocation().getReason();
    }
    if (!certificate.getCandidate().getWeightsSha256().equals(weights)) {
      return "weights: differ";
    }
    if (!certificate.getCandidateFolderSha256().equals(folder)) {
      return "folder: differs";
    }
    return certificate.getAlias().isEmpty() || certificate.getAlias().equals(alias)
        ? ""
        : "alias: differs";
  }

  private Certificate require(String id) {
    Certificate certificate = certificates.get(id);
    if (certificate == null) {
      throw refused(Status.NOT_FOUND, "no such certificate");
    }
    return certificate;
  }

  private static StatusRuntimeException refused(Status status, String message) {
    return status.withDescription(message).asRuntimeException();
  }
}
