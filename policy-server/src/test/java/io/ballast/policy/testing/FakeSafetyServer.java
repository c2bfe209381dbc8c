package io.ballast.policy.testing;

import io.ballast.mesh.v1.ModelVersion;
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
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetCertificateResponse;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateResponse;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.Verdict;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.BindableService;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;
import java.util.function.Supplier;

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

  /** Runs after stage 1 has answered. */
  public volatile Runnable afterStageOne = () -> {};

  /** Whether every call fails with UNAVAILABLE. */
  public volatile boolean down;

  /** Which completions' costs come too late for an answer that has the others. */
  public volatile Predicate<String> late = completion -> false;

  /** Runs at the beginning of each call about a certificate. */
  public volatile Runnable beforeCertificates = () -> {};

  /** What stage 2 was asked. */
  public final List<DecideDisplayRequest> displayRequests = new CopyOnWriteArrayList<>();

  /** What stage 1 was asked. */
  public final List<DecideGenerationRequest> generationRequests = new CopyOnWriteArrayList<>();

  /** What costs were asked. */
  public final List<CostRequest> costRequests = new CopyOnWriteArrayList<>();

  /** Its certificates. */
  public final FakeCertificates certificates = new FakeCertificates();

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
      DecideGenerationResponse response =
          DecideGenerationResponse.newBuilder().setAnswer(stageOne).build();
      afterStageOne.run();
      reply(observer, response);
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
          .forEach(item -> response.addResults(result(item.getCompletion().getText())));
      reply(observer, response.build());
    }

    private CostResult result(String completion) {
      if (late.test(completion)) {
        return CostResult.newBuilder()
            .setFailure(FakeRewardServer.LATE)
            .setVerdict(Verdict.VERDICT_BLOCK)
            .build();
      }
      boolean harmful = completion.contains(HARMFUL);
      return CostResult.newBuilder()
          .setValue(CostValue.newBuilder().setHarmProbability(harmful ? 0.9 : 0.1))
          .setVerdict(harmful ? Verdict.VERDICT_BLOCK : Verdict.VERDICT_ALLOW)
          .build();
    }

    @Override
    public void getCertificate(
        GetCertificateRequest request, StreamObserver<GetCertificateResponse> observer) {
      certificate(
          observer,
          () ->
              GetCertificateResponse.newBuilder()
                  .setCertificate(certificates.get(request))
                  .build());
    }

    @Override
    public void verifyCertificate(
        VerifyCertificateRequest request, StreamObserver<VerifyCertificateResponse> observer) {
      certificate(observer, () -> certificates.verify(request));
    }

    @Override
    public void redeemCertificate(
        RedeemCertificateRequest request, StreamObserver<RedeemCertificateResponse> observer) {
      certificate(
          observer,
          () ->
              RedeemCertificateResponse.newBuilder()
                  .setRedemption(certificates.redeem(request))
                  .build());
    }

    private <T> void certificate(StreamObserver<T> observer, Supplier<T> answer) {
      try {
        beforeCertificates.run();
        T known = answer.get();
        reply(observer, known);
      } catch (StatusRuntimeException e) {
        observer.onError(down ? Status.UNAVAILABLE.asRuntimeException() : e);
      }
    }
  }
}
