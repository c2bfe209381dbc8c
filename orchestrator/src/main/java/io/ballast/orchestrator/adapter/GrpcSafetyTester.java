package io.ballast.orchestrator.adapter;

import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.PeerFaults;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.orchestrator.core.peer.SafetyTestReport;
import io.ballast.orchestrator.core.peer.SafetyTester;
import io.ballast.orchestrator.core.spec.ConstraintSpec;
import io.ballast.orchestrator.core.spec.ReuseKind;
import io.ballast.rl.bound.BoundMethod;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestOutcome;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/** Safety tests by the safety-server. */
public final class GrpcSafetyTester implements SafetyTester {
  /** Why a test was not started, among the values of a failure. */
  private static final String REFUSAL = "refusal";

  private static final Set<String> OF_PROMPTS =
      Set.of("PROMPTS_SPENT", "SET_CLOSED", "OTHER_RULE", "POOL_USED_UP");

  private static final Set<String> OF_DELTA =
      Set.of("WEIGHTS_SPENT", "ACCOUNT_SPENT", "OTHER_ACCOUNT_RULE");

  private final SafetyServiceGrpc.SafetyServiceBlockingStub stub;
  private final Duration timeout;
  private final Duration wait;

  /**
   * @param timeout of a call that does not wait
   * @param wait how long one call waits for a test's end
   */
  public GrpcSafetyTester(Channel safetyServer, Duration timeout, Duration wait) {
    this.stub = SafetyServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
    this.wait = wait;
  }

  @Override
  public Start start(Order order) {
    io.ballast.orchestrator.core.spec.SafetyTestSpec spec = order.spec();
    StartSafetyTestRequest request =
        StartSafetyTestRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(order.tenant(), order.key()))
            .setRunId(order.runId())
            .setSpec(
                SafetyTestSpec.newBuilder()
                    .setCandidate(MeshMessages.version(order.candidate()))
                    .setBase(MeshMessages.version(order.base()))
                    .setAlias(order.alias())
                    .setCostModel(PeerCalls.selector(spec.costModel()))
                    .addAllOptimisedCostModels(
                        order.optimised().stream().map(MeshMessages::version).toList())
                    .addAllPrompts(order.prompts().prompts())
                    .addAllGroups(order.prompts().groups())
                    .setThreshold(spec.threshold())
                    .setDelta(order.share().totalDelta())
                    .setAccount(order.share().account())
                    .setAccountLooks(order.share().looks())
                    .setSameCostModel(spec.sameCostModel())
                    .setBoundMethod(method(spec.bound()))
                    .setReuse(reuse(spec.reuse()))
                    .setLooks(spec.reuse() == ReuseKind.SPLIT ? spec.looks() : 0)
                    .setDrawCount(spec.drawCount())
                    .setSampling(
                        SamplingOptions.newBuilder()
                            .setTemperature(spec.temperature())
                            .setMaxNewTokens(spec.maxNewTokens())
                            .addAllStopStrings(spec.stopStrings()))
                    .setMaxPromptTokens(spec.maxPromptTokens()))
            .build();
    try {
      return new Start.Started(
          report(
              stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                  .startSafetyTest(request)
                  .getTest()));
    } catch (StatusRuntimeException e) {
      RuntimeException judged = PeerCalls.judge(e, PeerCalls.SAFETY_SERVER);
      String refusal =
          PeerFaults.errorInfo(e).map(info -> info.getMetadataOrDefault(REFUSAL, "")).orElse("");
      if (OF_PROMPTS.contains(refusal)) {
        return new Start.PromptsRefused(String.valueOf(judged.getMessage()));
      }
      if (OF_DELTA.contains(refusal)) {
        return new Start.DeltaRefused(String.valueOf(judged.getMessage()));
      }
      throw judged;
    }
  }

  @Override
  public SafetyTestReport await(String tenant, String testId) {
    GetSafetyTestRequest request =
        GetSafetyTestRequest.newBuilder()
            .setMetadata(PeerCalls.metadata(tenant))
            .setTestId(testId)
            .setWait(true)
            .build();
    return PeerCalls.call(
        PeerCalls.SAFETY_SERVER,
        () ->
            report(
                stub.withDeadlineAfter(wait.toNanos(), TimeUnit.NANOSECONDS)
                    .getSafetyTest(request)
                    .getTest()));
  }

  private static io.ballast.safety.v1.BoundMethod method(BoundMethod method) {
    return switch (method) {
      case STUDENT_T -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_STUDENT_T;
      case HOEFFDING -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_HOEFFDING;
      case EMPIRICAL_BERNSTEIN -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_EMPIRICAL_BERNSTEIN;
      case CLOPPER_PEARSON -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_CLOPPER_PEARSON;
      case BETTING -> io.ballast.safety.v1.BoundMethod.BOUND_METHOD_BETTING;
    };
  }

  @Override
  public void revoke(String tenant, String certificateId, String reason) {
    var unused =
        PeerCalls.call(
            PeerCalls.SAFETY_SERVER,
            () ->
                stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .revokeCertificate(
                        RevokeCertificateRequest.newBuilder()
                            .setMetadata(PeerCalls.metadata(tenant))
                            .setCertificateId(certificateId)
                            .setReason(reason)
                            .build()));
  }

  @Override
  public Optional<String> flaw(
      String tenant, String certificateId, PinnedVersion candidate, String alias) {
    VerifyCertificateResponse answer =
        PeerCalls.call(
            PeerCalls.SAFETY_SERVER,
            () ->
                stub.withDeadlineAfter(timeout.toNanos(), TimeUnit.NANOSECONDS)
                    .verifyCertificate(
                        VerifyCertificateRequest.newBuilder()
                            .setMetadata(PeerCalls.metadata(tenant))
                            .setCertificateId(certificateId)
                            .setCandidateWeightsSha256(candidate.weightsSha256())
                            .setAlias(alias)
                            .build()));
    return answer.getValid() ? Optional.empty() : Optional.of(answer.getReason());
  }

  private static ReuseRule reuse(ReuseKind reuse) {
    return switch (reuse) {
      case REFUSE -> ReuseRule.REUSE_RULE_REFUSE;
      case SPLIT -> ReuseRule.REUSE_RULE_SPLIT;
    };
  }

  private static SafetyTestReport report(SafetyTest test) {
    return new SafetyTestReport(
        ConstraintSpec.DEFAULT_NAME,
        test.getTestId(),
        state(test.getState()),
        MeshMessages.version(test.getCandidate()),
        MeshMessages.version(test.getCostModel()),
        test.hasOutcome() ? outcome(test.getOutcome()) : null,
        test.getCertificateId(),
        test.getFailureMessage(),
        test.getPromptsSha256(),
        test.hasStartTime() ? Timestamps.instant(test.getStartTime()) : null,
        test.hasEndTime() ? Timestamps.instant(test.getEndTime()) : null,
        test.getJudgedCount(),
        test.getPromptsCount(),
        test.hasLook() && test.getLook().getState() != LookState.LOOK_STATE_GIVEN_BACK,
        test.getSealed());
  }

  private static SafetyTestReport.State state(SafetyTestState state) {
    return switch (state) {
      case SAFETY_TEST_STATE_RUNNING -> SafetyTestReport.State.RUNNING;
      case SAFETY_TEST_STATE_PASSED -> SafetyTestReport.State.PASSED;
      case SAFETY_TEST_STATE_NO_SOLUTION_FOUND -> SafetyTestReport.State.NO_SOLUTION_FOUND;
      case SAFETY_TEST_STATE_FAILED -> SafetyTestReport.State.FAILED;
      case SAFETY_TEST_STATE_ABORTED -> SafetyTestReport.State.ABORTED;
      case SAFETY_TEST_STATE_UNSPECIFIED, UNRECOGNIZED ->
          throw PeerCalls.broken(PeerCalls.SAFETY_SERVER, "a test without a state");
    };
  }

  private static SafetyTestReport.Outcome outcome(SafetyTestOutcome outcome) {
    return new SafetyTestReport.Outcome(
        outcome.getN(),
        outcome.getMeanCost(),
        outcome.getStdCost(),
        outcome.getUpperBound(),
        outcome.getThreshold(),
        outcome.getDelta(),
        outcome.getBoundMethod().name().replace("BOUND_METHOD_", ""),
        outcome.getFailedItemsCount());
  }
}
