package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import com.google.protobuf.Duration;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardRequest;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.LossAggregation;
import io.ballast.learner.v1.NamedObjective;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerStepRequest;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingCompletion;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.orchestrator.testing.LearnerCalls;
import io.grpc.Status;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a session's numbers are: each named objective against its formula, and what is saved. */
class LearnerObjectivesTest {
  private static final double TOLERANCE = 1e-5;

  /** Two groups: completions of 4 and 2 tokens, and of 3. */
  private static final List<TrainingGroup> GROUPS =
      List.of(
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(70, 71, 72))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(10, 11, 12, 13))
                      .addAdvantages(1)
                      .setPreferred(true))
              .addCompletions(
                  TrainingCompletion.newBuilder().setTokens(tokens(20, 21)).addAdvantages(-2))
              .build(),
          TrainingGroup.newBuilder()
              .setPromptTokens(tokens(5))
              .addCompletions(
                  TrainingCompletion.newBuilder()
                      .setTokens(tokens(30, 31, 32))
                      .addAllAdvantages(List.of(0.5, 0.5, 0.5)))
              .build());

  @TempDir Path root = Path.of("");
  private LearnerCalls learner;
  private String session;

  @BeforeEach
  void open() {
    learner = new LearnerCalls(root);
    session = learner.open("1");
  }

  @AfterEach
  void close() {
    learner.close();
  }

  @Test
  void crossEntropyIsTheMeanOfMinusLogProbabilityByEachAggregation() {
    ForwardBackwardResult result = train(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY, GROUPS);
    double a = sum(result, 0, 0);
    double b = sum(result, 0, 1);
    double c = sum(result, 1, 0);

    assertThat(result.getLoss()).isCloseTo(-(a / 4 + b / 2 + c / 3) / 3, within(TOLERANCE));
    assertThat(crossEntropy(LossAggregation.LOSS_AGGREGATION_TOKEN_MEAN))
        .isCloseTo(-(a + b + c) / 9, within(TOLERANCE));
    assertThat(crossEntropy(LossAggregation.LOSS_AGGREGATION_SEQUENCE_MEAN_TOKEN_SUM))
        .isCloseTo(-(a + b + c) / 3, within(TOLERANCE));
  }

  @Test
  void onPolicyTheClippedSurrogatesAreMinusTheMeanAdvantage() {
    double minusMean = -(1 - 2 + 0.5) / 3;
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, GROUPS).getLoss())
        .isCloseTo(minusMean, within(TOLERANCE));
    assertThat(train(ObjectiveKind.OBJECTIVE_KIND_GSPO, GROUPS).getLoss())
        .isCloseTo(minusMean, within(TOLERANCE));
  }

  @Test
  void theBehavioursLogProbabilitiesMakeTheRatio() {
    List<Float> current = scores(List.of(GROUPS.get(1))).getFirst();
    TrainingGroup.Builder group = GROUPS.get(1).toBuilder();
    for (float logProb : current) {
      // π/μ = 2, beyond 1 + ε = 1.2, so the loss is −1.2·Â and the gradient is stopped
      group.getCompletionsBuilder(0).addBehaviourLogProbs(logProb - (float) Math.log(2));
    }
    ForwardBackwardResult result =
        train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, List.of(group.build()));
    assertThat(result.getLoss()).isCloseTo(-1.2 * 0.5, within(TOLERANCE));
    assertThat(result.getMetricsMap())
        .hasEntrySatisfying("mean_ratio", r -> assertThat(r).isCloseTo(2, within(1e-4)))
        .containsEntry("clip_fraction", 1.0);
    assertThat(result.getGroups(0).getCompletions(0).getLogProbsList()).isEqualTo(current);
  }

  @Test
  void dpoStartsAtTheLogarithmOfTwo() {
    ForwardBackwardResult result =
        train(ObjectiveKind.OBJECTIVE_KIND_DPO, List.of(GROUPS.getFirst()));
    assertThat(result.getLoss()).isCloseTo(Math.log(2), within(TOLERANCE));
    assertThat(result.getMetricsMap()).containsEntry("preference_margin", 0.0);
  }

  @Test
  void knobsAreSentByName() {
    TrainingGroup pair = GROUPS.getFirst();
    // policy and reference are the same: the margin is 0
    NamedObjective ipo = objective(ObjectiveKind.OBJECTIVE_KIND_IPO).putKnobs("beta", 0.25).build();
    assertThat(learner.train(session, ipo, List.of(pair)).getLoss())
        .as("(0 − 1/(2β))²")
        .isCloseTo(4, within(TOLERANCE));
    assertThat(
            learner
                .train(
                    session,
                    objective(ObjectiveKind.OBJECTIVE_KIND_RDPO).putKnobs("flip_rate", 0.3).build(),
                    List.of(pair))
                .getLoss())
        .isCloseTo(Math.log(2), within(TOLERANCE));
    refused(ipo.toBuilder().putKnobs("clip_low", 0.1).build(), "objective.clip_low: beside IPO");
    refused(ipo.toBuilder().putKnobs("bta", 0.1).build(), "objective.knobs.bta: unknown");
    refused(ipo.toBuilder().setBeta(1).build(), "objective.knobs.beta: beside objective.beta");
    refused(ipo.toBuilder().putKnobs("beta", -1).build(), "objective.beta: -1.0 (expected: > 0)");
  }

  private void refused(NamedObjective objective, String message) {
    assertThatThrownBy(() -> learner.train(session, objective, List.of(GROUPS.getFirst())))
        .hasMessageContaining("INVALID_ARGUMENT: " + message);
  }

  @Test
  void ratedCompletionsAreComparedWithWhatTheirCallerEstimated() {
    TrainingGroup.Builder group = GROUPS.getFirst().toBuilder();
    NamedObjective kto = objective(ObjectiveKind.OBJECTIVE_KIND_KTO).build();
    // lr is 0 for both; without z each term is 1 − σ(0)
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo(0.5, within(TOLERANCE));
    group.getCompletionsBuilder(0).setPreferenceBaseline(2);
    // the good one: 1 − σ(.1·(0 − 2)) = .549834
    assertThat(learner.train(session, kto, List.of(group.build())).getLoss())
        .isCloseTo((0.549834 + 0.5) / 2, within(TOLERANCE));
  }

  @Test
  void anEntropyBonusIsSubtracted() {
    NamedObjective plain = objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT).build();
    NamedObjective bonus = plain.toBuilder().setEntropyCoefficient(0.5).build();
    ForwardBackwardResult without = learner.train(session, plain, List.of(GROUPS.get(1)));
    ForwardBackwardResult with = learner.train(session, bonus, List.of(GROUPS.get(1)));
    // one completion: the mean over its tokens is what the metric is
    assertThat(with.getLoss())
        .isCloseTo(
            without.getLoss() - 0.5 * with.getMetricsOrThrow("entropy_nats"), within(TOLERANCE));
  }

  @Test
  void finiteNumbersThatOverflowOnTheWayAreTheCallersMistake() {
    TrainingGroup.Builder group = GROUPS.get(1).toBuilder();
    group.getCompletionsBuilder(0).clearAdvantages().addAdvantages(1e300);
    Operation operation =
        learner
            .stub
            .forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addGroups(group)
                    .setObjective(objective(ObjectiveKind.OBJECTIVE_KIND_POLICY_GRADIENT))
                    .build())
            .getOperation();
    assertThat(operation.getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
    assertThat(operation.getErrorReason()).isEqualTo("MALFORMED_REQUEST");
    assertThat(operation.getErrorMessage()).contains("not finite in 32 bits");
    assertThat(step().getState()).isEqualTo(OperationState.OPERATION_STATE_FAILED);
  }

  @Test
  void aPublishedVersionSaysExactlyWhatTheSessionSaid() {
    train(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP, GROUPS);
    assertThat(step().getOptimizerStep().getGradientNorm()).isPositive();
    List<List<Float>> trained = scores(GROUPS);
    learner.stub.saveWeights(
        SaveWeightsRequest.newBuilder().setSessionId(session).setPublishVersion("2").build());

    session = learner.open("2");
    assertThat(scores(GROUPS)).isEqualTo(trained);
  }

  @Test
  void aCallThatDoesNotWaitGetsAnOperationToComeBackTo() {
    Operation started =
        learner
            .stub
            .forwardBackward(
                ForwardBackwardRequest.newBuilder()
                    .setSessionId(session)
                    .addAllGroups(GROUPS)
                    .setObjective(objective(ObjectiveKind.OBJECTIVE_KIND_PPO_CLIP))
                    .setWaitDuration(Duration.getDefaultInstance())
                    .build())
            .getOperation();
    Operation ended =
        learner
            .stub
            .waitOperation(
                WaitOperationRequest.newBuilder().setOperationId(started.getOperationId()).build())
            .getOperation();
    assertThat(ended.getState()).isEqualTo(OperationState.OPERATION_STATE_SUCCEEDED);
    assertThat(ended.getForwardBackward().getGroupsList()).hasSize(2);
    assertThatThrownBy(
            () ->
                learner.stub.waitOperation(
                    WaitOperationRequest.newBuilder()
                        .setOperationId(started.getOperationId())
                        .setWaitDuration(Duration.newBuilder().setSeconds(Long.MAX_VALUE))
                        .build()))
        .hasMessageContaining("INVALID_ARGUMENT: wait_duration: ")
        .hasMessageContaining("(expected: 0 to 3,600 s)");
    assertThatThrownBy(
            () ->
                learner.stub.getOperation(
                    GetOperationRequest.newBuilder().setOperationId("nobody's").build()))
        .hasMessage("NOT_FOUND: there is no operation 'nobody's'");
  }

  @Test
  void aSeedThatTheServerDrewDrawsTheSameTokensAgain() {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder()
            .setSessionId(session)
            .addPrompts(TextOrTokens.newBuilder().setTokens(tokens(106, 111, 117)));
    request.getSamplingBuilder().setMaxNewTokens(6);
    SampleFromSessionResponse drawn = learner.stub.sampleFromSession(request.build());
    request.getSamplingBuilder().setSeed(drawn.getSeed());
    assertThat(learner.stub.sampleFromSession(request.build())).isEqualTo(drawn);
    assertThat(drawn.getSamples(0).getPromptTokens()).isEqualTo(tokens(106, 111, 117));
    assertThatThrownBy(
            () ->
                learner.stub.sampleFromSession(
                    request.setSampling(SamplingOptions.newBuilder().setTopP(2)).build()))
        .hasMessageStartingWith("INVALID_ARGUMENT: sampling.top_p: 2.0");
  }

  @Test
  void aCallerWhoseDeadlinePassesLeavesTheSessionUsable() {
    SampleFromSessionRequest.Builder request =
        SampleFromSessionRequest.newBuilder().setSessionId(session).setCompletionsCount(64);
    for (int i = 0; i < 200; i++) {
      request.addPrompts(TextOrTokens.newBuilder().setText("int x"));
    }
    request.getSamplingBuilder().setMaxNewTokens(40);
    assertThatThrownBy(
            () ->
                learner
                    .stub
                    .withDeadlineAfter(300, TimeUnit.MILLISECONDS)
                    .sampleFromSession(request.build()))
        .extracting(e -> Status.fromThrowable(e).getCode())
        .isEqualTo(Status.Code.DEADLINE_EXCEEDED);
    assertThat(scores(GROUPS)).hasSize(3);
  }

  private ForwardBackwardResult train(ObjectiveKind kind, List<TrainingGroup> groups) {
    return learner.train(session, objective(kind).build(), groups);
  }

  private double crossEntropy(LossAggregation aggregation) {
    return learner
        .train(
            session,
            objective(ObjectiveKind.OBJECTIVE_KIND_CROSS_ENTROPY)
                .setAggregation(aggregation)
                .build(),
            GROUPS)
        .getLoss();
  }

  private Operation step() {
    return learner
        .stub
        .optimizerStep(OptimizerStepRequest.newBuilder().setSessionId(session).build())
        .getOperation();
  }

  private List<List<Float>> scores(List<TrainingGroup> groups) {
    return learner
        .stub
        .forward(ForwardRequest.newBuilder().setSessionId(session).addAllGroups(groups).build())
        .getGroupsList()
        .stream()
        .flatMap(group -> group.getCompletionsList().stream())
        .map(completion -> completion.getLogProbsList())
        .toList();
  }

  private static double sum(ForwardBackwardResult result, int group, int completion) {
    return result.getGroups(group).getCompletions(completion).getLogProbsList().stream()
        .mapToDouble(Float::doubleValue)
        .sum();
  }

  private static NamedObjective.Builder objective(ObjectiveKind kind) {
    return NamedObjective.newBuilder().setKind(kind);
  }
}
