package io.ballast.policy.testing;

import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CertificateRevocation;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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

  /** When leaves end that end late. */
  public static final Instant FAR = Instant.parse("2100-01-01T00:00:00Z");

  private static final SafetyTestOutcome OUTCOME =
      SafetyTestOutcome.newBuilder()
          .setN(200)
          .setMeanCost(0.1)
          .setStdCost(0.2)
          .setUpperBound(0.125)
          .setThreshold(0.25)
          .setDelta(0.05)
          .setBoundMethod(BoundMethod.BOUND_METHOD_STUDENT_T)
          .build();

  /** Whether every certificate that there is counts as valid. */
  public volatile boolean lies;

  /** What time it is. */
  public volatile InstantSource clock = new TestClock();

  /**
   * When leaves end. PostgreSQL, whose clock runs on, is asked too, so they end late unless a test
   * says otherwise.
   */
  public volatile Instant leaveEnd = FAR;

  /** What a leave says in place of what it would say. */
  public volatile UnaryOperator<Redemption.Builder> leave = builder -> builder;

  /** What certificates were redeemed for, in order. */
  public final List<RedeemCertificateRequest> redeemed = new CopyOnWriteArrayList<>();

  private final Map<String, Certificate> certificates = new ConcurrentHashMap<>();
  private final List<Given> leaves = new CopyOnWriteArrayList<>();

  /** A leave, and what it was given for. */
  private record Given(RedeemCertificateRequest request, Redemption leave) {
    boolean isUnder(RequestMetadata key) {
      return request.getMetadata().getTenant().equals(key.getTenant())
          && request.getMetadata().getIdempotencyKey().equals(key.getIdempotencyKey());
    }

    boolean isFor(RedeemCertificateRequest other) {
      return request.toBuilder()
          .clearMetadata()
          .build()
          .equals(other.toBuilder().clearMetadata().build());
    }
  }

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
            .setCostModel(ModelVersion.newBuilder().setModel("java-cost").setVersion("2"))
            .setOutcome(OUTCOME)
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

  /** Gives leave, as the RPC does. */
  public synchronized Redemption redeem(RedeemCertificateRequest request) {
    redeemed.add(request);
    Certificate certificate = require(request.getCertificateId());
    if (!lies) {
      requireRedeemable(certificate, request);
    }
    Optional<Redemption> holding = holding(request);
    return leave
        .apply(
            holding
                .map(Redemption::toBuilder)
                .orElseGet(() -> given(request))
                .setCertificate(certificate))
        .build();
  }

  /** The leave that the same key got and that still holds. */
  private Optional<Redemption> holding(RedeemCertificateRequest request) {
    RequestMetadata key = request.getMetadata();
    if (leaves.stream().anyMatch(given -> given.isUnder(key) && !given.isFor(request))) {
      throw refused(Status.INVALID_ARGUMENT, "metadata.idempotency_key: used for another move");
    }
    Optional<Given> holding =
        leaves.stream()
            .filter(given -> given.request().getCertificateId().equals(request.getCertificateId()))
            .filter(given -> given.request().getAlias().equals(request.getAlias()))
            .filter(
                given ->
                    clock.instant().isBefore(Timestamps.instant(given.leave().getExpireTime())))
            .findFirst();
    if (holding.isPresent() && !holding.get().isUnder(key)) {
      throw cannotBeRedeemed(request, "alias: it is redeemed for it");
    }
    return holding.map(Given::leave);
  }

  private Redemption.Builder given(RedeemCertificateRequest request) {
    String key = request.getMetadata().getIdempotencyKey();
    long before = leaves.stream().filter(given -> given.isUnder(request.getMetadata())).count();
    Redemption.Builder given =
        Redemption.newBuilder()
            .setRedemptionId("leave-" + key + (before == 0 ? "" : "-" + (before + 1)))
            .setAlias(request.getAlias())
            .setBase(request.getBase())
            .setAliasRevision(request.getAliasRevision())
            .setExpireTime(Timestamps.of(leaveEnd));
    leaves.add(new Given(request, given.build()));
    return given;
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
    if (!flaw.isEmpty()) {
      throw cannotBeRedeemed(request, flaw);
    }
  }

  private static StatusRuntimeException cannotBeRedeemed(
      RedeemCertificateRequest request, String flaw) {
    return refused(
        Status.FAILED_PRECONDITION,
        "certificate %s cannot be redeemed: %s".formatted(request.getCertificateId(), flaw));
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
