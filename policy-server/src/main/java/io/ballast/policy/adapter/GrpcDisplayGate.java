package io.ballast.policy.adapter;

import io.ballast.inference.api.Generation;
import io.ballast.kit.call.Caller;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.policy.core.suggest.DisplayGate;
import io.ballast.policy.core.suggest.GateStage;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc.DisplayGateServiceBlockingStub;
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
  public GateStage decideGeneration(
      Caller caller, String user, String prompt, long explorationSeed) {
    DecideGenerationRequest request =
        DecideGenerationRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setPrompt(prompt)
            .setExplorationSeed(explorationSeed)
            .setUser(user)
            .build();
    try {
      return stage(stub.withDeadlineAfter(timeout).decideGeneration(request).getAnswer());
    } catch (StatusRuntimeException e) {
      throw PeerMessages.unavailable(PeerMessages.SAFETY_SERVER, e);
    }
  }

  @Override
  public GateStage decideDisplay(
      Caller caller, String user, String prompt, Generation suggestion, long explorationSeed) {
    DecideDisplayRequest.Builder request =
        DecideDisplayRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setPrompt(prompt)
            .setSuggestion(suggestion.text())
            .setStopReason(PeerMessages.stopReason(suggestion.stopReason()))
            .setExplorationSeed(explorationSeed)
            .setUser(user);
    for (int t = 0; t < suggestion.logProbs().size(); t++) {
      request.addLogProbs(suggestion.logProbs().get(t));
    }
    try {
      return stage(stub.withDeadlineAfter(timeout).decideDisplay(request.build()).getAnswer());
    } catch (StatusRuntimeException e) {
      throw PeerMessages.unavailable(PeerMessages.SAFETY_SERVER, e);
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
        answer.getSkipsStageTwo());
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
