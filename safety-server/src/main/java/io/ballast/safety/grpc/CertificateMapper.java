package io.ballast.safety.grpc;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.safety.core.safetytest.AliasChange;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.CertificateDesk.Verification;
import io.ballast.safety.core.safetytest.CertificateRedemptions.Redeemed;
import io.ballast.safety.core.safetytest.CertificateSeal;
import io.ballast.safety.core.safetytest.CertificateTerms;
import io.ballast.safety.core.safetytest.Revocation;
import io.ballast.safety.core.safetytest.SafetyTestStore.Evidence;
import io.ballast.safety.core.safetytest.SignedCertificate;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CertificateRevocation;
import io.ballast.safety.v1.DeltaAccount;
import io.ballast.safety.v1.GetEvidenceResponse;
import io.ballast.safety.v1.GetVerificationKeysResponse;
import io.ballast.safety.v1.JudgeDependence;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateResponse;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.SampledCost;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import java.util.List;
import java.util.Optional;

/** Translates certificates and their evidence. */
final class CertificateMapper {
  private static final int UNSIGNED = 1;
  private static final int SIGNED = 2;

  private CertificateMapper() {}

  /** What a certificate must hold for. */
  static Expected expected(VerifyCertificateRequest request) {
    String alias = request.getAlias();
    return new Expected(
        sha("candidate_weights_sha256", request.getCandidateWeightsSha256()),
        sha("candidate_folder_sha256", request.getCandidateFolderSha256()),
        alias.isEmpty() ? alias : Texts.requireName("alias", alias));
  }

  private static String sha(String field, String sha) {
    if (!sha.isEmpty() && !Sha256.matches(sha)) {
      throw Texts.malformed(
          field,
          "%d characters (expected: 64 lower-case hexadecimal digits)".formatted(sha.length()));
    }
    return sha;
  }

  static Certificate certificate(Evidence evidence) {
    io.ballast.safety.core.safetytest.Certificate certificate = evidence.certificate();
    io.ballast.inference.api.SamplingOptions sampling = certificate.sampling();
    Certificate.Builder message =
        Certificate.newBuilder()
            .setCertificateId(certificate.id().toString())
            .setTestId(certificate.testId().toString())
            .setCandidate(MeshMessages.version(certificate.candidate()))
            .setCostModel(MeshMessages.version(certificate.costModel()))
            .setOutcome(SafetyTestMapper.outcome(certificate.outcome()))
            .setSampling(
                SamplingOptions.newBuilder()
                    .setTemperature(sampling.temperature())
                    .setTopK(sampling.topK())
                    .setTopP(sampling.topP())
                    .setMaxNewTokens(sampling.maxNewTokens())
                    .addAllStopStrings(sampling.stopStrings())
                    .setSeed(sampling.seed()))
            .setPromptsSha256(certificate.promptsSha256())
            .setCostsSha256(certificate.costsSha256())
            .setIssueTime(Timestamps.of(certificate.issuedAt()))
            .setDigestSha256(certificate.digestSha256())
            .setFormat(UNSIGNED);
    for (PinnedVersion optimised : certificate.optimisedCostModels()) {
      message.addOptimisedCostModels(MeshMessages.version(optimised));
    }
    evidence.signed().ifPresent(signed -> addTerms(message, signed));
    evidence
        .revocation()
        .ifPresent(revocation -> message.setRevocation(CertificateMapper.revocation(revocation)));
    return message.build();
  }

  private static void addTerms(Certificate.Builder message, SignedCertificate signed) {
    CertificateTerms terms = signed.terms();
    message
        .setFormat(SIGNED)
        .setJws(signed.seal().jws())
        .setKeyId(signed.seal().keyId())
        .setAlias(terms.scope().alias())
        .setCandidateFolderSha256(terms.scope().candidateFolderSha256())
        .setCostModelFolderSha256(terms.scope().costModelFolderSha256())
        .setMaxPromptTokens(terms.maxPromptTokens())
        .setChunk(terms.chunk())
        .setGroupsCount(terms.groupsCount())
        .setMerkleRoot(terms.merkleRoot())
        .setExpireTime(Timestamps.of(terms.notAfter()))
        .setCodeVersion(terms.codeVersion())
        .setLedgerEntryId(terms.ledgerEntryId().toString());
    terms.scope().base().ifPresent(base -> message.setBase(MeshMessages.version(base)));
    terms.scope().dependence().ifPresent(each -> message.setSameCostModel(dependence(each)));
    terms.account().ifPresent(account -> message.setAccount(account(account)));
    terms
        .look()
        .ifPresent(
            look ->
                message
                    .setReuse(LedgerMapper.reuse(look.rule()))
                    .setLook(look.ordinal())
                    .setLooks(look.rule().looks())
                    .setTotalDelta(look.rule().totalDelta()));
  }

  private static DeltaAccount account(io.ballast.safety.core.safetytest.DeltaAccount account) {
    return DeltaAccount.newBuilder()
        .setName(account.share().name())
        .setLooks(account.share().looks())
        .setTotalDelta(account.share().totalDelta())
        .setEarlierWeightsLooks(account.ofWeights().looks())
        .setEarlierWeightsDelta(account.ofWeights().delta())
        .setEarlierAccountLooks(account.ofName().looks())
        .setEarlierAccountDelta(account.ofName().delta())
        .build();
  }

  private static JudgeDependence dependence(
      io.ballast.safety.core.safetytest.JudgeDependence dependence) {
    return JudgeDependence.newBuilder()
        .setOptimised(dependence.sameModel())
        .setCommonLabelsCount(dependence.commonLabels())
        .setUnsaidModelsCount(dependence.unsaidModels())
        .build();
  }

  private static CertificateRevocation revocation(Revocation revocation) {
    return CertificateRevocation.newBuilder()
        .setRevokeTime(Timestamps.of(revocation.at()))
        .setReason(revocation.reason())
        .setTenant(revocation.tenant())
        .build();
  }

  static VerifyCertificateResponse response(Verification verification) {
    return VerifyCertificateResponse.newBuilder()
        .setValid(verification.valid())
        .addAllFindings(verification.findings())
        .setCertificate(certificate(verification.evidence()))
        .setRecomputedUpperBound(verification.recomputedUpperBound())
        .setReason(verification.reason())
        .build();
  }

  static AliasChange change(RedeemCertificateRequest request) {
    return new AliasChange(
        request.getAlias(),
        MeshMessages.version(request.getCandidate()),
        request.getCandidateFolderSha256(),
        request.hasBase() ? Optional.of(MeshMessages.version(request.getBase())) : Optional.empty(),
        request.getAliasRevision());
  }

  static RedeemCertificateResponse response(Redeemed redeemed) {
    io.ballast.safety.core.safetytest.Redemption redemption = redeemed.redemption();
    AliasChange change = redemption.change();
    Redemption.Builder message =
        Redemption.newBuilder()
            .setRedemptionId(redemption.id().toString())
            .setCertificate(certificate(redeemed.evidence()))
            .setAlias(change.alias())
            .setAliasRevision(change.revision())
            .setRedeemTime(Timestamps.of(redemption.redeemedAt()))
            .setExpireTime(Timestamps.of(redemption.expiresAt()));
    change.base().ifPresent(base -> message.setBase(MeshMessages.version(base)));
    return RedeemCertificateResponse.newBuilder().setRedemption(message).build();
  }

  static GetEvidenceResponse evidence(
      int first, List<io.ballast.safety.core.safetytest.SampledCost> samples) {
    GetEvidenceResponse.Builder part = GetEvidenceResponse.newBuilder().setFirstPosition(first);
    for (var sample : samples) {
      part.addSamples(
          SampledCost.newBuilder()
              .setPromptSha256(sample.promptSha256())
              .setCompletionSha256(sample.completionSha256())
              .setCost(sample.cost())
              .setMissing(sample.missing())
              .setGroup(sample.group()));
    }
    return part.build();
  }

  static GetVerificationKeysResponse keys(CertificateSeal.KeySet keys) {
    return GetVerificationKeysResponse.newBuilder()
        .setJwks(keys.jwks())
        .setSigningKeyId(keys.signingKeyId())
        .build();
  }
}
