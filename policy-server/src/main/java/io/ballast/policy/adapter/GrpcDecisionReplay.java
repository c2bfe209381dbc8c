package io.ballast.policy.adapter;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ballast.kit.call.Caller;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.feedback.DecisionReplay;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.GateSeeds;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.DisplayGateServiceGrpc;
import io.ballast.safety.v1.DisplayGateServiceGrpc.DisplayGateServiceBlockingStub;
import io.ballast.safety.v1.GateReplay;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import io.grpc.Channel;
import io.grpc.StatusRuntimeException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/** Asks the safety-server's gate again, with the inputs and the versions of the record. */
public final class GrpcDecisionReplay implements DecisionReplay {
  private final DisplayGateServiceBlockingStub stub;
  private final Duration timeout;

  /**
   * @param timeout how long a stage may take, at most what is left of the caller's deadline
   */
  public GrpcDecisionReplay(Channel safetyServer, Duration timeout) {
    this.stub = DisplayGateServiceGrpc.newBlockingStub(safetyServer);
    this.timeout = timeout;
  }

  @Override
  public List<ReplayedStage> replay(Caller caller, Payload suggestion) {
    SuggestionRecord record = parse(suggestion);
    SuggestResponse response = record.getResponse();
    List<ReplayedStage> stages = new ArrayList<>(2);
    if (response.hasStageOne()) {
      GateStageAnswer replayed =
          ask(
              () ->
                  stub.withDeadlineAfter(timeout)
                      .decideGeneration(stageOne(caller, record))
                      .getAnswer());
      stages.add(stage(1, response.getStageOne(), replayed));
    }
    if (response.hasStageTwo()) {
      GateStageAnswer replayed =
          ask(
              () ->
                  stub.withDeadlineAfter(timeout)
                      .decideDisplay(stageTwo(caller, record))
                      .getAnswer());
      stages.add(stage(2, response.getStageTwo(), replayed));
    }
    if (stages.isEmpty()) {
      throw new MeshException(
          Fault.PRECONDITION_FAILED,
          "suggestion %s: no gate answered, so there is nothing to replay"
              .formatted(response.getSuggestionId()));
    }
    return stages;
  }

  private static DecideGenerationRequest stageOne(Caller caller, SuggestionRecord record) {
    SuggestResponse response = record.getResponse();
    GateStageAnswer answered = response.getStageOne();
    DecideGenerationRequest.Builder request =
        DecideGenerationRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setPrompt(record.getPrompt())
            .setExplorationSeed(GateSeeds.stageOne(response.getSeed()))
            .setUser(record.getUser())
            .setGateVersion(answered.getModelVersion())
            .setReplay(heldTo(answered))
            .setFeatureVersion(answered.getFeatureVersion());
    if (record.hasHistory()) {
      request.setHistory(record.getHistory());
    }
    if (answered.hasOtherGateVersion()) {
      request.setOtherGateVersion(answered.getOtherGateVersion());
    } else if (response.hasStageTwo()) {
      request.setOtherGateVersion(response.getStageTwo().getModelVersion());
    }
    return request.build();
  }

  private static DecideDisplayRequest stageTwo(Caller caller, SuggestionRecord record) {
    SuggestResponse response = record.getResponse();
    GateStageAnswer answered = response.getStageTwo();
    DecideDisplayRequest.Builder request =
        DecideDisplayRequest.newBuilder()
            .setMetadata(PeerMessages.metadata(caller))
            .setPrompt(record.getPrompt())
            .setSuggestion(response.getText())
            .addAllLogProbs(record.getCompletion().getLogProbsList())
            .setStopReason(response.getStopReason())
            .setExplorationSeed(GateSeeds.stageTwo(response.getSeed()))
            .setUser(record.getUser())
            .setGateVersion(answered.getModelVersion())
            .setReplay(heldTo(answered))
            .setFeatureVersion(answered.getFeatureVersion());
    if (record.hasHistory()) {
      request.setHistory(record.getHistory());
    }
    if (answered.hasOtherGateVersion()) {
      request.setOtherGateVersion(answered.getOtherGateVersion());
    } else if (response.hasStageOne()) {
      request.setOtherGateVersion(response.getStageOne().getModelVersion());
    }
    if (response.getReward().hasValue()) {
      request.setReward(response.getReward().getValue());
      if (response.getReward().hasSpread()) {
        request.setRewardSpread(response.getReward().getSpread());
      }
    }
    if (response.getCost().hasHarmProbability()) {
      request.setHarmProbability(response.getCost().getHarmProbability());
    }
    return request.build();
  }

  /** Of a decision by times that a server of before did not record, the tenant's of today count. */
  private static GateReplay heldTo(GateStageAnswer answered) {
    GateReplay.Builder replay =
        GateReplay.newBuilder()
            .setGateFolderSha256(answered.getFolderSha256())
            .setOtherGateFolderSha256(answered.getOtherGateFolderSha256());
    if (answered.hasTimes()) {
      replay.setTimes(answered.getTimes());
    }
    boolean known = answered.getRule() != GateRule.GATE_RULE_TIME_SAVED || answered.hasTimes();
    return known ? replay.setRule(answered.getRule()).build() : replay.build();
  }

  private static ReplayedStage stage(
      int number, GateStageAnswer recorded, GateStageAnswer replayed) {
    return new ReplayedStage(
        number,
        Payload.of(recorded.toByteArray()),
        Payload.of(replayed.toByteArray()),
        GateAnswerFields.compare(recorded, replayed));
  }

  private static GateStageAnswer ask(Supplier<GateStageAnswer> call) {
    try {
      return call.get();
    } catch (StatusRuntimeException e) {
      throw switch (e.getStatus().getCode()) {
        case NOT_FOUND, FAILED_PRECONDITION ->
            new MeshException(
                Fault.PRECONDITION_FAILED,
                "the gate that decided is not there as it was: " + e.getStatus().getDescription(),
                e);
        default ->
            new MeshException(
                Fault.DEPENDENCY_DOWN,
                "the safety-server could not replay the decision: " + e.getStatus().getCode(),
                e);
      };
    }
  }

  private static SuggestionRecord parse(Payload suggestion) {
    try {
      return SuggestionRecord.parseFrom(suggestion.toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, "a stored record cannot be read", e);
    }
  }
}
