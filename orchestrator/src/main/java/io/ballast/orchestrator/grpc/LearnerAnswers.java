package io.ballast.orchestrator.grpc;

import io.ballast.inference.api.Generation;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.learner.v1.AdapterConfig;
import io.ballast.learner.v1.AdapterProjection;
import io.ballast.learner.v1.Checkpoint;
import io.ballast.learner.v1.CompletionNumbers;
import io.ballast.learner.v1.ForwardBackwardResult;
import io.ballast.learner.v1.ForwardResponse;
import io.ballast.learner.v1.GroupNumbers;
import io.ballast.learner.v1.LoadWeightsResult;
import io.ballast.learner.v1.Operation;
import io.ballast.learner.v1.OperationState;
import io.ballast.learner.v1.OptimizerConfig;
import io.ballast.learner.v1.OptimizerStepResult;
import io.ballast.learner.v1.SampleFromSessionResponse;
import io.ballast.learner.v1.SaveWeightsResult;
import io.ballast.learner.v1.Session;
import io.ballast.learner.v1.SessionCompletion;
import io.ballast.learner.v1.SessionSample;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.orchestrator.core.learner.AdapterSettings;
import io.ballast.orchestrator.core.learner.GroupScores;
import io.ballast.orchestrator.core.learner.LearnerSession;
import io.ballast.orchestrator.core.learner.OperationResult;
import io.ballast.orchestrator.core.learner.OptimizerSettings;
import io.ballast.orchestrator.core.learner.PromptSample;
import io.ballast.orchestrator.core.learner.SampleAnswer;
import io.ballast.orchestrator.core.learner.WeightsStore;
import java.util.List;

/** Writes the learner's answers. */
final class LearnerAnswers {
  private static final String BUG = "INTERNAL";

  private LearnerAnswers() {}

  static Session session(LearnerSession session) {
    LearnerSession.Identity identity = session.identity();
    OptimizerSettings optimizer = identity.options().optimizer();
    Session.Builder answer = Session.newBuilder();
    identity.options().averageDecay().ifPresent(answer::setAverageDecay);
    identity.options().adapters().map(LearnerAnswers::adapters).ifPresent(answer::setAdapters);
    return answer
        .setSessionId(identity.id())
        .setBaseVersion(CallMapper.version(identity.base()))
        .setUpdatesCount(session.updatesCount())
        .setOptimizer(
            OptimizerConfig.newBuilder()
                .setLearningRate(optimizer.learningRate())
                .setBeta1(optimizer.beta1())
                .setBeta2(optimizer.beta2())
                .setEpsilon(optimizer.epsilon())
                .setWeightDecay(optimizer.weightDecay())
                .setMaxGradientNorm(optimizer.maxGradientNorm()))
        .setCreateTime(Timestamps.of(identity.created()))
        .setTenant(identity.tenant())
        .build();
  }

  static Checkpoint checkpoint(WeightsStore.Kept kept) {
    return Checkpoint.newBuilder()
        .setName(kept.name())
        .setSizeBytes(kept.bytes())
        .setSaveTime(Timestamps.of(kept.keptAt()))
        .build();
  }

  private static AdapterConfig adapters(AdapterSettings settings) {
    return AdapterConfig.newBuilder()
        .setRank(settings.rank())
        .setAlpha(settings.alpha())
        .addAllProjections(settings.projections().stream().map(LearnerAnswers::projection).toList())
        .setSeed(settings.seed())
        .build();
  }

  private static AdapterProjection projection(AdapterSettings.Projection projection) {
    return switch (projection) {
      case Q_PROJ -> AdapterProjection.ADAPTER_PROJECTION_Q_PROJ;
      case K_PROJ -> AdapterProjection.ADAPTER_PROJECTION_K_PROJ;
      case V_PROJ -> AdapterProjection.ADAPTER_PROJECTION_V_PROJ;
      case O_PROJ -> AdapterProjection.ADAPTER_PROJECTION_O_PROJ;
      case GATE_PROJ -> AdapterProjection.ADAPTER_PROJECTION_GATE_PROJ;
      case UP_PROJ -> AdapterProjection.ADAPTER_PROJECTION_UP_PROJ;
      case DOWN_PROJ -> AdapterProjection.ADAPTER_PROJECTION_DOWN_PROJ;
    };
  }

  static ForwardResponse forward(List<GroupScores> scores) {
    return ForwardResponse.newBuilder().addAllGroups(groups(scores)).build();
  }

  private static List<GroupNumbers> groups(List<GroupScores> scores) {
    return scores.stream().map(LearnerAnswers::group).toList();
  }

  private static GroupNumbers group(GroupScores scores) {
    GroupNumbers.Builder group = GroupNumbers.newBuilder();
    for (int g = 0; g < scores.logProbs().size(); g++) {
      group.addCompletions(
          CompletionNumbers.newBuilder()
              .addAllLogProbs(CallMapper.floats(scores.logProbs().get(g)))
              .addAllEntropies(CallMapper.floats(scores.entropies().get(g))));
    }
    return group.build();
  }

  static Operation operation(
      io.ballast.orchestrator.core.learner.Operation<OperationResult> operation) {
    Operation.Builder answer = Operation.newBuilder().setOperationId(operation.id());
    switch (operation.state()) {
      case RUNNING -> answer.setState(OperationState.OPERATION_STATE_RUNNING);
      case CANCELLED -> answer.setState(OperationState.OPERATION_STATE_CANCELLED);
      case SUCCEEDED -> {
        answer.setState(OperationState.OPERATION_STATE_SUCCEEDED);
        setResult(answer, operation.result().orElseThrow());
      }
      case FAILED -> {
        answer.setState(OperationState.OPERATION_STATE_FAILED);
        if (operation.failure().orElseThrow() instanceof MeshException known) {
          answer
              .setErrorReason(known.fault().name())
              .setErrorMessage(String.valueOf(known.getMessage()));
        } else {
          answer.setErrorReason(BUG).setErrorMessage("the learner failed; its log says why");
        }
      }
    }
    return answer.build();
  }

  private static void setResult(Operation.Builder answer, OperationResult result) {
    switch (result) {
      case OperationResult.ForwardBackward done ->
          answer.setForwardBackward(
              ForwardBackwardResult.newBuilder()
                  .setLoss(done.loss())
                  .putAllMetrics(done.metrics())
                  .addAllGroups(groups(done.scores())));
      case OperationResult.Step done ->
          answer.setOptimizerStep(
              OptimizerStepResult.newBuilder()
                  .setGradientNorm(done.gradientNorm())
                  .setUpdatesCount(done.updatesCount()));
      case OperationResult.Published done ->
          answer.setSaveWeights(
              SaveWeightsResult.newBuilder().setVersion(CallMapper.version(done.version())));
      case OperationResult.Kept done ->
          answer.setSaveWeights(SaveWeightsResult.newBuilder().setCheckpoint(done.checkpoint()));
      case OperationResult.Loaded done ->
          answer.setLoadWeights(
              LoadWeightsResult.newBuilder().setUpdatesCount(done.updatesCount()));
    }
  }

  static SampleFromSessionResponse samples(SampleAnswer answer, long seed) {
    return SampleFromSessionResponse.newBuilder()
        .addAllSamples(answer.samples().stream().map(LearnerAnswers::sample).toList())
        .setUpdatesCount(answer.updatesCount())
        .setSeed(seed)
        .build();
  }

  private static SessionSample sample(PromptSample sample) {
    return switch (sample) {
      case PromptSample.Failed failed ->
          SessionSample.newBuilder()
              .setFailure(
                  ItemFailure.newBuilder()
                      .setReason(reason(failed.reason()))
                      .setMessage(failed.message()))
              .build();
      case PromptSample.Sampled sampled ->
          SessionSample.newBuilder()
              .setPromptTokens(CallMapper.tokens(sampled.completions().getFirst().promptTokens()))
              .addAllCompletions(
                  sampled.completions().stream().map(LearnerAnswers::completion).toList())
              .build();
    };
  }

  private static FailureReason reason(PromptSample.Reason reason) {
    return switch (reason) {
      case INVALID_INPUT -> FailureReason.FAILURE_REASON_INVALID_INPUT;
      case OVERLOADED -> FailureReason.FAILURE_REASON_OVERLOADED;
      case MODEL_ERROR -> FailureReason.FAILURE_REASON_MODEL_ERROR;
    };
  }

  private static SessionCompletion completion(Generation generation) {
    return SessionCompletion.newBuilder()
        .setTokens(CallMapper.tokens(generation.tokens()))
        .setText(generation.text())
        .addAllLogProbs(CallMapper.floats(generation.logProbs()))
        .setStopReason(stopReason(generation.stopReason()))
        .build();
  }

  private static io.ballast.mesh.v1.StopReason stopReason(StopReason reason) {
    return switch (reason) {
      case END_OF_TEXT -> io.ballast.mesh.v1.StopReason.STOP_REASON_END_OF_TEXT;
      case STOP_STRING -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_STRING;
      case MAX_TOKENS -> io.ballast.mesh.v1.StopReason.STOP_REASON_MAX_TOKENS;
      case CONTEXT_FULL -> io.ballast.mesh.v1.StopReason.STOP_REASON_CONTEXT_FULL;
      case CANCELLED -> io.ballast.mesh.v1.StopReason.STOP_REASON_CANCELLED;
      case STOP_TOKEN -> io.ballast.mesh.v1.StopReason.STOP_REASON_STOP_TOKEN;
      case GRAMMAR_COMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_COMPLETE;
      case GRAMMAR_INCOMPLETE -> io.ballast.mesh.v1.StopReason.STOP_REASON_GRAMMAR_INCOMPLETE;
    };
  }
}
