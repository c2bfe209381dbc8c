package io.ballast.orchestrator.grpc;

import static io.ballast.orchestrator.testing.LearnerCalls.tokens;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.protobuf.Duration;
import io.ballast.learner.v1.ForwardBackwardRequest;
import io.ballast.learner.v1.GetOperationRequest;
import io.ballast.learner.v1.ObjectiveKind;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.SampleFromSessionRequest;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.SaveWeightsRequest;
import io.ballast.learner.v1.TrainingGroup;
import io.ballast.learner.v1.WaitOperationRequest;
import io.ballast.mesh.v1.SamplingOptions;
import io.ballast.mesh.v1.TextOrTokens;
import io.grpc.Status;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** What a session answers beside numbers: operations, versions, samples. */
class LearnerWorkTest extends LearnerObjectiveCase {
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
}
