package io.ballast.policy.adapter;

import io.ballast.kit.call.Caller;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.policy.core.version.CertificateAuthority;
import io.ballast.policy.core.version.PromotionLimits;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;

/** The safety-server as the judge of certificates. */
public final class GrpcCertificateAuthority implements CertificateAuthority {
  private final SafetyServiceBlockingStub stub;
  private final Duration timeout;
  private final CertificateReading reading;
  private final InstantSource clock;

  /**
   * @param timeout how long a call may take, at most what is left of the caller's deadline
   * @param limits what a certificate must meet besides
   */
  public GrpcCertificateAuthority(
      Channel safetyServer, Duration timeout, PromotionLimits limits, InstantSource clock) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
    this.reading = new CertificateReading(limits);
    this.clock = clock;
  }

  @Override
  public void verify(Caller caller, Promotion promotion) {
    VerifyCertificateRequest request =
        VerifyCertificateRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setCertificateId(promotion.certificateId())
            .setCandidateWeightsSha256(promotion.candidate().weightsSha256())
            .setCandidateFolderSha256(promotion.folderSha256())
            .setAlias(promotion.alias())
            .build();
    VerifyCertificateResponse answer;
    try {
      answer = stub.withDeadlineAfter(timeout).verifyCertificate(request);
    } catch (StatusRuntimeException e) {
      throw failure("verify", promotion, e);
    }
    if (!answer.getValid()) {
      throw closed(
          promotion,
          answer.getReason().isEmpty()
              ? String.join("; ", answer.getFindingsList())
              : answer.getReason());
    }
    reading
        .flaw(answer.getCertificate(), promotion, clock.instant())
        .ifPresent(
            flaw -> {
              throw closed(promotion, flaw);
            });
  }

  @Override
  public Leave redeem(Caller caller, Promotion promotion) {
    RedeemCertificateRequest request =
        RedeemCertificateRequest.newBuilder()
            .setMetadata(
                PeerMessages.metadata(caller).toBuilder().setIdempotencyKey(key(promotion)))
            .setCertificateId(promotion.certificateId())
            .setAlias(promotion.alias())
            .setCandidate(MeshMessages.version(promotion.candidate()))
            .setCandidateFolderSha256(promotion.folderSha256())
            .setBase(MeshMessages.version(promotion.base()))
            .setAliasRevision(promotion.revision())
            .build();
    Redemption redemption;
    try {
      redemption = stub.withDeadlineAfter(timeout).redeemCertificate(request).getRedemption();
    } catch (StatusRuntimeException e) {
      throw failure("redeem", promotion, e);
    }
    reading
        .flaw(redemption, promotion, clock.instant())
        .ifPresent(
            flaw -> {
              throw closed(promotion, flaw);
            });
    return new Leave(redemption.getRedemptionId(), Timestamps.instant(redemption.getExpireTime()));
  }

  @Override
  public Optional<String> revocation(Caller caller, String certificateId) {
    GetCertificateRequest request =
        GetCertificateRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setCertificateId(certificateId)
            .build();
    try {
      Certificate certificate =
          stub.withDeadlineAfter(timeout).getCertificate(request).getCertificate();
      return certificate.hasRevocation()
          ? Optional.of("revoked: " + certificate.getRevocation().getReason())
          : Optional.empty();
    } catch (StatusRuntimeException e) {
      throw switch (e.getStatus().getCode()) {
        case NOT_FOUND, INVALID_ARGUMENT -> // a version that has served had one that it knew
            new MeshException(
                Fault.PRECONDITION_FAILED,
                "the safety-server does not know certificate %s (expected: it issued it, and can say whether it is revoked): %s; without it only BreakGlassAlias moves back"
                    .formatted(certificateId, e.getStatus().getDescription()),
                e);
        default ->
            new MeshException(
                Fault.DEPENDENCY_DOWN,
                "the safety-server could not say whether certificate %s is revoked: %s; without it only BreakGlassAlias moves back"
                    .formatted(certificateId, e.getStatus().getCode()),
                e);
      };
    }
  }

  /** The same for the same move, however often and by whichever replica it is tried. */
  private static String key(Promotion promotion) {
    String move =
        String.join(
            "\n",
            promotion.candidate().model(),
            promotion.alias(),
            Long.toString(promotion.revision()),
            promotion.candidate().version(),
            promotion.certificateId());
    return "move-" + Sha256.of(move);
  }

  private static MeshException failure(
      String task, Promotion promotion, StatusRuntimeException failure) {
    return switch (failure.getStatus().getCode()) {
      case NOT_FOUND, INVALID_ARGUMENT, FAILED_PRECONDITION ->
          closed(promotion, String.valueOf(failure.getStatus().getDescription()));
      default ->
          new MeshException(
              Fault.DEPENDENCY_DOWN,
              "the safety-server could not %s certificate %s: %s"
                  .formatted(task, promotion.certificateId(), failure.getStatus().getCode()),
              failure);
    };
  }

  private static MeshException closed(Promotion promotion, String why) {
    return new MeshException(
        Fault.SAFETY_GATE_CLOSED,
        "certificate %s does not allow version %s of %s: %s"
            .formatted(
                promotion.certificateId(),
                promotion.candidate().version(),
                promotion.candidate().model(),
                why),
        Map.of(
            "certificate_id",
            promotion.certificateId(),
            "version",
            promotion.candidate().version()));
  }
}
