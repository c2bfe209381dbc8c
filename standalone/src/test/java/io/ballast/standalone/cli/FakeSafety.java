package io.ballast.standalone.cli;

import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.CostValue;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetCertificateResponse;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetEvidenceResponse;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetSafetyTestResponse;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.GetVerificationKeysResponse;
import io.ballast.safety.v1.ListCanaryWatchesRequest;
import io.ballast.safety.v1.ListCanaryWatchesResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ListSafetyTestsResponse;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.ReplayCertificateResponse;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.RevokeCertificateResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.StartSafetyTestResponse;
import io.ballast.safety.v1.Verdict;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;

/** A safety server with one certificate, whose tests find what the mesh says. */
final class FakeSafety extends SafetyServiceGrpc.SafetyServiceImplBase {
  private final FakeMesh mesh;

  FakeSafety(FakeMesh mesh) {
    this.mesh = mesh;
  }

  @Override
  public void listCanaryWatches(
      ListCanaryWatchesRequest request, StreamObserver<ListCanaryWatchesResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> ListCanaryWatchesResponse.newBuilder().addAllWatches(mesh.canaries).build());
  }

  @Override
  public void getCertificate(
      GetCertificateRequest request, StreamObserver<GetCertificateResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> GetCertificateResponse.newBuilder().setCertificate(mesh.signed.message()).build());
  }

  @Override
  public void getEvidence(
      GetEvidenceRequest request, StreamObserver<GetEvidenceResponse> observer) {
    mesh.answer(request, observer, q -> mesh.signed.evidence());
  }

  @Override
  public void revokeCertificate(
      RevokeCertificateRequest request, StreamObserver<RevokeCertificateResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> {
          mesh.signed.revoke(q.getReason());
          return RevokeCertificateResponse.newBuilder()
              .setCertificate(mesh.signed.message())
              .build();
        });
  }

  @Override
  public void replayCertificate(
      ReplayCertificateRequest request, StreamObserver<ReplayCertificateResponse> observer) {
    ReplayCertificateResponse.Builder said =
        ReplayCertificateResponse.newBuilder()
            .setReplayedCount(30)
            .setTotalCount(30)
            .setAgreeingCount(mesh.reproducible ? 30 : 29);
    if (!mesh.reproducible) {
      said.getFirstDifferenceBuilder()
          .setPosition(7)
          .setField("completion_sha256")
          .setSaid("aa")
          .setFound("bb");
    }
    observer.onNext(said.build());
    said.getResultBuilder()
        .setReproduced(mesh.reproducible)
        .setSameDecision(true)
        .setOutcome(outcome())
        .setExplanation(mesh.reproducible ? "" : "29 of 30 samples agree");
    mesh.answer(request, observer, q -> said.build());
  }

  @Override
  public void getVerificationKeys(
      GetVerificationKeysRequest request, StreamObserver<GetVerificationKeysResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> GetVerificationKeysResponse.newBuilder().setJwks(mesh.signed.jwks()).build());
  }

  @Override
  public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> {
          CostResponse.Builder response =
              CostResponse.newBuilder()
                  .setThreshold(0.5)
                  .setModelVersion(FakeMesh.model("java-cost"));
          q.getItemsList()
              .forEach(
                  item -> {
                    boolean harmful = item.getCompletion().getText().contains("(((");
                    response.addResults(
                        CostResult.newBuilder()
                            .setValue(
                                CostValue.newBuilder()
                                    .setScore(harmful ? 1.5 : -2)
                                    .setHarmProbability(harmful ? 0.82 : 0.12)
                                    .addHeadScores(harmful ? 1.5 : -2))
                            .setVerdict(harmful ? Verdict.VERDICT_BLOCK : Verdict.VERDICT_ALLOW));
                  });
          return response.build();
        });
  }

  @Override
  public void listSafetyTests(
      ListSafetyTestsRequest request, StreamObserver<ListSafetyTestsResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            ListSafetyTestsResponse.newBuilder()
                .addTests(
                    SafetyTest.newBuilder()
                        .setState(
                            mesh.certified
                                ? SafetyTestState.SAFETY_TEST_STATE_PASSED
                                : SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND)
                        .setCandidate(FakeMesh.POLICY.toBuilder().setVersion("2"))
                        .setCertificateId(mesh.certified ? FakeMesh.CERTIFICATE_ID : ""))
                .build());
  }

  @Override
  public void startSafetyTest(
      StartSafetyTestRequest request, StreamObserver<StartSafetyTestResponse> observer) {
    StatusRuntimeException refused = mesh.refusedTest;
    if (refused != null) {
      mesh.requests.add(request);
      observer.onError(refused);
      return;
    }
    mesh.answer(
        request,
        observer,
        q ->
            StartSafetyTestResponse.newBuilder()
                .setTest(
                    begun().toBuilder()
                        .setCandidate(q.getSpec().getCandidate())
                        .setPromptsCount(q.getSpec().getPromptsCount()))
                .build());
  }

  @Override
  public void getSafetyTest(
      GetSafetyTestRequest request, StreamObserver<GetSafetyTestResponse> observer) {
    mesh.answer(
        request,
        observer,
        q -> GetSafetyTestResponse.newBuilder().setTest(mesh.looks.removeFirst()).build());
  }

  @Override
  public void verifyCertificate(
      VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
    mesh.answer(
        request,
        observer,
        q ->
            VerifyCertificateResponse.newBuilder()
                .setValid(mesh.certified)
                .addFindings(mesh.certified ? "digest: matches" : "digest: differs")
                .setRecomputedUpperBound(0.0912)
                .setCertificate(
                    Certificate.newBuilder()
                        .setCertificateId(q.getCertificateId())
                        .setCandidate(FakeMesh.POLICY.toBuilder().setVersion("2"))
                        .setCostModel(FakeMesh.model("java-cost").toBuilder().setVersion("2"))
                        .addOptimisedCostModels(FakeMesh.model("java-cost"))
                        .setOutcome(outcome()))
                .build());
  }

  /** A safety test of version "2" that has begun. */
  static SafetyTest begun() {
    SafetyTest.Builder test =
        SafetyTest.newBuilder()
            .setTestId(FakeMesh.TEST_ID)
            .setState(SafetyTestState.SAFETY_TEST_STATE_RUNNING)
            .setCandidate(FakeMesh.POLICY.toBuilder().setVersion("2"))
            .setCostModel(FakeMesh.model("java-cost").toBuilder().setVersion("2"))
            .setPromptsCount(6);
    test.getLookBuilder()
        .setLook(1)
        .setLooks(1)
        .setPromptsCount(6)
        .setDelta(0.1)
        .setState(LookState.LOOK_STATE_TAKEN);
    return test.build();
  }

  static SafetyTestOutcome outcome() {
    return SafetyTestOutcome.newBuilder()
        .setN(800)
        .setMeanCost(0.08)
        .setStdCost(0.2)
        .setUpperBound(0.0912)
        .setThreshold(0.12)
        .setDelta(0.05)
        .build();
  }
}
