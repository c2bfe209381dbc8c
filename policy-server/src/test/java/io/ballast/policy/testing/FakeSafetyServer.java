package io.ballast.policy.testing;

import io.ballast.mesh.v1.ModelVersion;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.CostResponse;
import io.ballast.safety.v1.CostResult;
import io.ballast.safety.v1.CostValue;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideDisplayResponse;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DecideGenerationResponse;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.BindableService;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A safety-server that says what a test tells it to. At first it passes both stages, finds harm 0.1
 * in everything but text that contains {@link #HARMFUL}, and knows no certificate.
 */
public final class FakeSafetyServer {
  public static final String HARMFUL = "System.exit";
  public static final double THRESHOLD = 0.5;
  public static final ModelVersion GATE_MODEL =
      ModelVersion.newBuilder().setModel("java-gate").setVersion("1").build();
  public static final ModelVersion COST_MODEL =
      ModelVersion.newBuilder().setModel("java-cost").setVersion("1").build();

  /** What stage 1 says. */
  public volatile GateStageAnswer stageOne = answer(GateOutcome.GATE_OUTCOME_REFER, 0.45, 1);

  /** What stage 2 says. */
  public volatile GateStageAnswer stageTwo = answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1);

  /** Whether every call fails with UNAVAILABLE. */
  public volatile boolean down;

  /** What stage 2 was asked. */
  public final List<DecideDisplayRequest> displayRequests = new CopyOnWriteArrayList<>();

  /** What stage 1 was asked. */
  public final List<DecideGenerationRequest> generationRequests = new CopyOnWriteArrayList<>();

  /** What costs were asked. */
  public final List<CostRequest> costRequests = new CopyOnWriteArrayList<>();

  private final Map<String, ModelVersion> certificates = new ConcurrentHashMap<>();

  /** Issues a certificate for a version of "java-tiny". */
  public void certify(String certificateId, String version) {
    certify(
        certificateId,
        ModelVersion.newBuilder()
            .setModel(FakeModels.MODEL)
            .setVersion(version)
            .setWeightsSha256(FakeModels.sha256(version))
            .build());
  }

  /** Issues a certificate for a version. */
  public void certify(String certificateId, ModelVersion candidate) {
    certificates.put(certificateId, candidate);
  }

  /** One stage's answer at threshold 0.3. */
  public static GateStageAnswer answer(
      GateOutcome outcome, double acceptProbability, double propensity) {
    return GateStageAnswer.newBuilder()
        .setOutcome(outcome)
        .setAcceptProbability(acceptProbability)
        .setThreshold(0.3)
        .setPropensity(propensity)
        .setModelVersion(GATE_MODEL)
        .build();
  }

  List<BindableService> services() {
    return List.of(new Gate(), new Safety());
  }

  private <T> void reply(StreamObserver<T> observer, T answer) {
    if (down) {
      observer.onError(Status.UNAVAILABLE.withDescription("drained").asRuntimeException());
      return;
    }
    observer.onNext(answer);
    observer.onCompleted();
  }

  private final class Gate extends DisplayGateServiceGrpc.DisplayGateServiceImplBase {
    @Override
    public void decideGeneration(
        DecideGenerationRequest request, StreamObserver<DecideGenerationResponse> observer) {
      generationRequests.add(request);
      reply(observer, DecideGenerationResponse.newBuilder().setAnswer(stageOne).build());
    }

    @Override
    public void decideDisplay(
        DecideDisplayRequest request, StreamObserver<DecideDisplayResponse> observer) {
      displayRequests.add(request);
      reply(observer, DecideDisplayResponse.newBuilder().setAnswer(stageTwo).build());
    }
  }

  private final class Safety extends SafetyServiceGrpc.SafetyServiceImplBase {
    @Override
    public void cost(CostRequest request, StreamObserver<CostResponse> observer) {
      costRequests.add(request);
      CostResponse.Builder response =
          CostResponse.newBuilder().setThreshold(THRESHOLD).setModelVersion(COST_MODEL);
      request
          .getItemsList()
          .forEach(
              item -> {
                boolean harmful = item.getCompletion().getText().contains(HARMFUL);
                response.addResults(
                    CostResult.newBuilder()
                        .setValue(CostValue.newBuilder().setHarmProbability(harmful ? 0.9 : 0.1))
                        .setVerdict(harmful ? Verdict.VERDICT_BLOCK : Verdict.VERDICT_ALLOW));
              });
      reply(observer, response.build());
    }

    @Override
    public void verifyCertificate(
        VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
      ModelVersion candidate =
          certificates.getOrDefault(request.getCertificateId(), ModelVersion.getDefaultInstance());
      if (candidate.getModel().isEmpty() && !down) {
        observer.onError(
            Status.NOT_FOUND.withDescription("no such certificate").asRuntimeException());
        return;
      }
      boolean valid = request.getCandidateWeightsSha256().equals(candidate.getWeightsSha256());
      reply(
          observer,
          VerifyCertificateResponse.newBuilder()
              .setValid(valid)
              .addFindings(valid ? "weights: match" : "weights: differ")
              .setCertificate(Certificate.newBuilder().setCandidate(candidate))
              .build());
    }
  }
}
