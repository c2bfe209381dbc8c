package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.refused;
import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.learner.v1.CallerGradients;
import io.ballast.learner.v1.CloseSessionRequest;
import io.ballast.learner.v1.CreateSessionRequest;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.ForwardWeights;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.GetSessionRequest;
import io.ballast.learner.v1.LearnerServiceGrpc.LearnerServiceBlockingStub;
import io.ballast.learner.v1.ListSessionsRequest;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.mesh.v1.TokenSequence;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.ballast.orchestrator.testing.TinyModel;
import io.grpc.Status;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A trainer, ours or a remote one, drives the learner with plain calls. */
class LearnerServiceTest {
  private static final TokenSequence PROMPT = tokens(70, 71, 72);
  private static final TokenSequence GOOD = tokens(10, 11, 12, 13);
  private static final TokenSequence BAD = tokens(20, 21);

  @TempDir Path root = Path.of("");
  private LearnerCalls learner;
  private LearnerServiceBlockingStub stub;

  @BeforeEach
  void serve() {
    learner = new LearnerCalls(root);
    stub = learner.stub;
  }

  @AfterEach
  void stop() {
    learner.close();
  }

  @Test
  void anUpdateMakesWhatWasGoodLikelierThanWhatWasBad() {
    String session = open("");
    double before = logProb(session, GOOD) - logProb(session, BAD);

    ForwardBackwardResult result =
        train(session, objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP)).getForwardBackward();
    assertThat(result.getMetricsMap()).containsEntry("mean_ratio", 1.0);
    assertThat(result.getMetricsMap()).containsKeys("entropy_nats", "clip_fraction");
    assertThat(step(session).getOptimizerStep().getUpdatesCount()).isEqualTo(1);

    assertThat(logProb(session, GOOD) - logProb(session, BAD)).isGreaterThan(before);
  }

  @Test
  void theReferenceStaysWhereTheSessionBegan() {
    String session = open("");
    float before = reference(session);
    train(session, objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT));
    step(session);
    assertThat(reference(session)).isEqualTo(before);
    // on the first update π equals π_ref, so the penalty is zero; afterwards it is not
    ForwardBackwardResult again =
        train(session, objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP).setKlCoefficient(0.1))
            .getForwardBackward();
    assertThat(again.getMetricsOrThrow("kl_nats")).isPositive();
  }

  @Test
  void callersOwnGradientsDoWhatTheNamedObjectiveDoes() {
    String named = open("");
    train(named, objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT));
    double namedNorm = step(named).getOptimizerStep().getGradientNorm();

    // −Â/(completions · tokens of each): Â = 1 over 2·4 tokens, Â = −1 over 2·2
    String own = open("");
    TrainingGroup group =
        TrainingGroup.newBuilder()
            .setPromptTokens(PROMPT)
            .addCompletions(
                TrainingCompletion.newBuilder()
                    .setTokens(GOOD)
                    .addAllLogProbGradients(List.of(-.125, -.125, -.125, -.125)))
            .addCompletions(
                TrainingCompletion.newBuilder()
                    .setTokens(BAD)
                    .addAllLogProbGradients(List.of(.25, .25)))
            .build();
    Operation operation =
        stub.forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(own)
                    .addGroups(group)
                    .setCallerGradients(CallerGradients.getDefaultInstance())
                    .build())
            .getOperation();
    assertThat(operation.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    assertThat(step(own).getOptimizerStep().getGradientNorm()).isCloseTo(namedNorm, within(1e-5));
    assertThat(logProb(own, GOOD)).isCloseTo(logProb(named, GOOD), within(1e-4));
  }

  @Test
  void aNumberThatIsNotFiniteIsNamedAndNothingIsAdded() {
    String session = open("");
    ForwardBackwardRequest request =
        ForwardBackwardRequest.newBuilder()
            .setSessionId(session)
            .addGroups(
                TrainingGroup.newBuilder()
                    .setPromptTokens(PROMPT)
                    .addCompletions(
                        TrainingCompletion.newBuilder()
                            .setTokens(BAD)
                            .addAdvantages(1)
                            .addAdvantages(Double.NaN)))
            .setObjective(objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP))
            .build();
    refused(
        () -> stub.forwardBackward(request),
        Status.Code.INVALID_ARGUMENT,
        "groups[0].completions[0].advantages[1]: NaN (expected: finite)");
    refused(() -> step(session), Status.Code.FAILED_PRECONDITION, "there are no gradients");
  }

  @Test
  void whatDoesNotFitTheModelIsNamed() {
    String session = open("");
    refused(
        () -> forward(session, tokens(300), ForwardWeights.FORWARD_WEIGHTS_CURRENT),
        Status.Code.INVALID_ARGUMENT,
        "groups[0].completions[0].tokens[0]: 300 (expected: ≥ 0 and < 257)");
    refused(
        () -> train(session, objective(ObjectiveKind.OBJECTIVE_KIND_DPO)),
        Status.Code.INVALID_ARGUMENT,
        "groups[0].completions: 2, of which 0 preferred (expected: 2, of which 1)");
    refused(
        () -> train(session, objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP).setClipLow(1.5)),
        Status.Code.INVALID_ARGUMENT,
        "objective.clip_low: 1.5 (expected: > 0 and < 1)");
  }

  @Test
  void samplingDrawsFromTheWeightsInTrainingAndIsRepeatable() {
    String session = open("");
    SampleFromSessionRequest request =
        SampleFromSessionRequest.newBuilder()
            .setSessionId(session)
            .addPrompts(TextOrTokens.newBuilder().setText("int x = "))
            .addPrompts(TextOrTokens.newBuilder().setTokens(tokens(900)))
            .setCompletionsCount(3)
            .setSampling(SamplingOptions.newBuilder().setMaxNewTokens(5).setSeed(11))
            .build();
    SampleFromSessionResponse first = stub.sampleFromSession(request);
    assertThat(first.getSamples(0).getCompletionsList()).hasSize(3);
    assertThat(first.getSamples(0).getPromptTokens().getTokenIdsCount()).isEqualTo(8);
    assertThat(first.getSamples(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_INVALID_INPUT);
    assertThat(first.getSamples(1).getFailure().getMessage()).startsWith("prompts[1]: tokens[0]");
    assertThat(stub.sampleFromSession(request)).isEqualTo(first);

    for (int i = 0; i < 30; i++) {
      train(session, objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT));
      step(session);
    }
    SampleFromSessionResponse later = stub.sampleFromSession(request);
    assertThat(later.getUpdatesCount()).isEqualTo(30);
    assertThat(later.getSamples(0)).isNotEqualTo(first.getSamples(0));
  }

  @Test
  void theSameKeyHasItsEffectOnce() {
    RequestMetadata keyed = RequestMetadata.newBuilder().setIdempotencyKey("k").build();
    CreateSessionRequest create = create("").toBuilder().setMetadata(keyed).build();
    String session = stub.createSession(create).getSession().getSessionId();
    assertThat(stub.createSession(create).getSession().getSessionId()).isEqualTo(session);

    train(session, objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP));
    OptimizerStepRequest step =
        OptimizerStepRequest.newBuilder().setSessionId(session).setMetadata(keyed).build();
    Operation first = stub.optimizerStep(step).getOperation();
    assertThat(stub.optimizerStep(step).getOperation()).isEqualTo(first);
    assertThat(first.getOptimizerStep().getUpdatesCount()).isEqualTo(1);
    refused(
        () -> stub.optimizerStep(step.toBuilder().setLearningRate(1).build()),
        Status.Code.INVALID_ARGUMENT,
        "metadata.idempotency_key: 'k' was used for another request");
    assertThat(
            stub.getOperation(
                    GetOperationRequest.newBuilder().setOperationId(first.getOperationId()).build())
                .getOperation())
        .isEqualTo(first);
  }

  @Test
  void anotherTenantsSessionDoesNotExist() {
    String session = open("alice");
    RequestMetadata bob = RequestMetadata.newBuilder().setTenant("bob").build();
    refused(
        () ->
            stub.getSession(
                GetSessionRequest.newBuilder().setMetadata(bob).setSessionId(session).build()),
        Status.Code.NOT_FOUND,
        "there is no session '" + session + "'");
    assertThat(
            stub.listSessions(ListSessionsRequest.newBuilder().setMetadata(bob).build())
                .getSessionsList())
        .isEmpty();
  }

  @Test
  void aFullLearnerRefusesUntilASessionIsClosedOrLongIdle() {
    String first = open("");
    String second = open("");
    refused(() -> open(""), Status.Code.RESOURCE_EXHAUSTED, "2 sessions");
    stub.closeSession(CloseSessionRequest.newBuilder().setSessionId(first).build());
    open("");
    learner.pass(Duration.ofHours(1));
    String fourth = open(""); // of the two that are idle, the one idle for longest went
    assertThat(stub.listSessions(ListSessionsRequest.getDefaultInstance()).getSessionsList())
        .extracting(s -> s.getSessionId())
        .contains(fourth)
        .doesNotContain(second);
  }

  private String open(String tenant) {
    return stub.createSession(create(tenant)).getSession().getSessionId();
  }

  private static CreateSessionRequest create(String tenant) {
    return CreateSessionRequest.newBuilder()
        .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
        .setBase(ModelSelector.newBuilder().setModel(TinyModel.NAME).setVersion(TinyModel.VERSION))
        .setOptimizer(OptimizerConfig.newBuilder().setLearningRate(0.01))
        .build();
  }

  private static NamedObjective.Builder objective(ObjectiveKind kind) {
    return NamedObjective.newBuilder().setKind(kind);
  }

  private Operation train(String session, NamedObjective.Builder objective) {
    TrainingGroup group =
        TrainingGroup.newBuilder()
            .setPromptTokens(PROMPT)
            .addCompletions(TrainingCompletion.newBuilder().setTokens(GOOD).addAdvantages(1))
            .addCompletions(TrainingCompletion.newBuilder().setTokens(BAD).addAdvantages(-1))
            .build();
    Operation operation =
        stub.forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addGroups(group)
                    .setObjective(objective)
                    .build())
            .getOperation();
    assertThat(operation.getErrorMessage()).isEmpty();
    return operation;
  }

  private Operation step(String session) {
    return stub.optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
        .getOperation();
  }

  private double logProb(String session, TokenSequence completion) {
    return forward(session, completion, ForwardWeights.FORWARD_WEIGHTS_CURRENT).stream()
        .mapToDouble(Float::doubleValue)
        .sum();
  }

  private float reference(String session) {
    return forward(session, GOOD, ForwardWeights.FORWARD_WEIGHTS_REFERENCE).getFirst();
  }

  private List<Float> forward(String session, TokenSequence completion, ForwardWeights weights) {
    return stub.forward(
            ForwardRequest.newBuilder()
                .setSessionId(session)
                .setWeights(weights)
                .addGroups(
                    TrainingGroup.newBuilder()
                        .setPromptTokens(PROMPT)
                        .addCompletions(TrainingCompletion.newBuilder().setTokens(completion)))
                .build())
        .getGroups(0)
        .getCompletions(0)
        .getLogProbsList();
  }
}
