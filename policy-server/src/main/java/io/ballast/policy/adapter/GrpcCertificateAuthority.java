package io.ballast.policy.adapter;

import io.ballast.kit.call.Caller;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.policy.core.version.CertificateAuthority;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Channel;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.time.Duration;

/** The safety-server as the judge of certificates. */
public final class GrpcCertificateAuthority implements CertificateAuthority {
  private final SafetyServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout how long a call may take, at most what is left of the caller's deadline
   */
  public GrpcCertificateAuthority(Channel safetyServer, Duration timeout) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
  }

  /**
   * {@inheritDoc}
   *
   * <p>Besides the safety-server's word on the weights, the certificate in its answer must name
   * this version and its weights: a server that ignores the field in the request cannot open the
   * gate.
   */
  @Override
  public Finding verify(Caller caller, String certificateId, Promoted promoted) {
    PinnedVersion candidate = promoted.candidate();
    VerifyCertificateRequest request =
        VerifyCertificateRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setCertificateId(certificateId)
            .setCandidateWeightsSha256(candidate.weightsSha256())
            .setCandidateFolderSha256(promoted.folderSha256())
            .setAlias(promoted.alias())
            .build();
    try {
      VerifyCertificateResponse answer = stub.withDeadlineAfter(timeout).verifyCertificate(request);
      if (!answer.getValid()) {
        return new Finding(
            false,
            answer.getReason().isEmpty()
                ? String.join("; ", answer.getFindingsList())
                : answer.getReason());
      }
      PinnedVersion named = MeshMessages.version(answer.getCertificate().getCandidate());
      return named.equals(candidate)
          ? new Finding(true, String.join("; ", answer.getFindingsList()))
          : new Finding(
              false, "it names %s, this is %s".formatted(spelled(named), spelled(candidate)));
    } catch (StatusRuntimeException e) {
      Status status = e.getStatus();
      return switch (status.getCode()) {
        case NOT_FOUND, INVALID_ARGUMENT ->
            new Finding(false, String.valueOf(status.getDescription()));
        default ->
            throw new MeshException(
                Fault.DEPENDENCY_DOWN,
                "the safety-server could not verify certificate %s: %s"
                    .formatted(certificateId, status.getCode()),
                e);
      };
    }
  }

  private static String spelled(PinnedVersion version) {
    return "%s/%s with weights %s"
        .formatted(version.model(), version.version(), version.weightsSha256());
  }
}
