package io.ballast.safety.grpc;

import io.ballast.kit.grpc.MeshMessages;
import io.ballast.safety.core.safetytest.CandidateVerdict;
import io.ballast.safety.v1.GetVerdictResponse;

/** Translates what is known of a version's safety. */
final class VerdictMapper {
  private VerdictMapper() {}

  static GetVerdictResponse response(CandidateVerdict verdict) {
    GetVerdictResponse.Builder message =
        GetVerdictResponse.newBuilder()
            .setVerdict(kind(verdict.kind()))
            .setReason(verdict.reason())
            .setCandidate(MeshMessages.version(verdict.candidate()));
    verdict.test().ifPresent(test -> message.setTest(SafetyTestMapper.test(test)));
    verdict
        .certificate()
        .ifPresent(
            certificate -> message.setCertificate(CertificateMapper.certificate(certificate)));
    return message.build();
  }

  private static io.ballast.safety.v1.CandidateVerdict kind(CandidateVerdict.Kind kind) {
    return switch (kind) {
      case PASS -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_PASS;
      case NO_SOLUTION_FOUND ->
          io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_NO_SOLUTION_FOUND;
      case RUNNING -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_RUNNING;
      case UNDECIDED -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_UNDECIDED;
      case VOID -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_VOID;
      case REVOKED -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_REVOKED;
      case EXPIRED -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_EXPIRED;
      case UNTESTED -> io.ballast.safety.v1.CandidateVerdict.CANDIDATE_VERDICT_UNTESTED;
    };
  }
}
