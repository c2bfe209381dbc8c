package io.ballast.policy.adapter;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ballast.inference.api.Generation;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.CostOutcome;
import io.ballast.policy.core.suggest.DisplayGate;
import io.ballast.policy.core.suggest.GateQuestion;
import io.ballast.policy.core.suggest.GateStage;
import io.ballast.policy.core.suggest.Judgement;
import io.ballast.policy.core.suggest.RewardOutcome;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc.DisplayGateServiceBlockingStub;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;

/** The display gate of the safety-server. */
public final class GrpcDisplayGate implements DisplayGate {
  private final DisplayGateServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout how long a stage may take, at most what is left of the caller's deadline
   */
  public GrpcDisplayGate(Channel safetyServer, Duration timeout) {
    this.stub = DisplayGateServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
  }

  @Override
  public GateStage decideGeneration(GateQuestion question, long explorationSeed) {
    DecideGenerationRequest.Builder request =
        DecideGenerationRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(question.caller()))
            .setPrompt(question.prompt())
            .setExplorationSeed(explorationSeed)
            .setUser(question.user());
    question.history().map(GrpcDisplayGate::history).ifPresent(request::setHistory);
    try {
      return stage(stub.withDeadlineAfter(timeout).decideGeneration(request.build()).getAnswer());
    } catch (StatusRuntimeException e) {
      throw PeerMessages.unavailable(PeerMessages.SAFETY_SERVER, e);
    }
  }

  @Override
  public GateStage decideDisplay(
      GateQuestion question, Judgement suggestion, long explorationSeed) {
    Generation chosen = suggestion.chosen();
    DecideDisplayRequest.Builder request =
        DecideDisplayRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(question.caller()))
            .setPrompt(question.prompt())
            .setSuggestion(chosen.text())
            .setStopReason(PeerMessages.stopReason(chosen.stopReason()))
            .setExplorationSeed(explorationSeed)
            .setUser(question.user());
    for (int t = 0; t < chosen.logProbs().size(); t++) {
      request.addLogProbs(chosen.logProbs().get(t));
    }
    question.history().map(GrpcDisplayGate::history).ifPresent(request::setHistory);
    if (suggestion.reward() instanceof RewardOutcome.Scored scored) {
      request.setReward(scored.value());
      scored.spread().ifPresent(request::setRewardSpread);
    }
    if (suggestion.cost() instanceof CostOutcome.Estimated estimated) {
      request.setHarmProbability(estimated.harmProbability());
    }
    try {
      return stage(stub.withDeadlineAfter(timeout).decideDisplay(request.build()).getAnswer());
    } catch (StatusRuntimeException e) {
      throw PeerMessages.unavailable(PeerMessages.SAFETY_SERVER, e);
    }
  }

  private static GateHistory history(Payload encoded) {
    try {
      return GateHistory.parseFrom(encoded.toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new IllegalStateException("a history that was just encoded cannot be read", e);
    }
  }

  private static GateStage stage(GateStageAnswer answer) {
    requireProbability("accept_probability", answer.getAcceptProbability());
    requireProbability("threshold", answer.getThreshold());
    requireProbability("propensity", answer.getPropensity());
    if (answer.getPropensity() == 0) {
      throw PeerMessages.broken(PeerMessages.SAFETY_SERVER, "propensity: 0 (expected: above 0)");
    }
    return new GateStage(
        outcome(answer.getOutcome()),
        answer.getAcceptProbability(),
        answer.getThreshold(),
        answer.getEntropyBits(),
        answer.getReferEntropy(),
        answer.getPropensity(),
        MeshMessages.version(answer.getModelVersion()),
        answer.hasOtherGateVersion() ? MeshMessages.version(answer.getOtherGateVersion()) : null,
        answer.getSkipsStageTwo(),
        Payload.of(answer.toByteArray()));
  }

  private static GateStage.Outcome outcome(GateOutcome outcome) {
    return switch (outcome) {
      case GATE_OUTCOME_PASS -> GateStage.Outcome.PASS;
      case GATE_OUTCOME_WITHHOLD -> GateStage.Outcome.WITHHOLD;
      case GATE_OUTCOME_REFER -> GateStage.Outcome.REFER;
      case GATE_OUTCOME_EXPLORE -> GateStage.Outcome.EXPLORE;
      case GATE_OUTCOME_UNSPECIFIED, UNRECOGNIZED ->
          throw PeerMessages.broken(PeerMessages.SAFETY_SERVER, "outcome: " + outcome);
    };
  }

  private static void requireProbability(String field, double value) {
    boolean holds = value >= 0 && value <= 1;
    if (!holds) {
      throw PeerMessages.broken(
          PeerMessages.SAFETY_SERVER, field + ": " + value + " (expected: 0 to 1)");
    }
  }
}
