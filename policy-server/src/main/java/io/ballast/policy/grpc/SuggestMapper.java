package io.ballast.policy.grpc;

import com.google.protobuf.InvalidProtocolBufferException;
import io.ballast.inference.api.Generation;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.history.PastOutcomes;
import io.ballast.policy.core.suggest.CostOutcome;
import io.ballast.policy.core.suggest.DecidedSuggestion;
import io.ballast.policy.core.suggest.GateMode;
import io.ballast.policy.core.suggest.GateStage;
import io.ballast.policy.core.suggest.RewardOutcome;
import io.ballast.policy.core.suggest.SuggestAnswer;
import io.ballast.policy.core.suggest.SuggestCommand;
import io.ballast.policy.v1.CanaryArm;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.PastOutcome;
import io.ballast.safety.v1.PastOutcomeKind;

/** Translates suggestions, for the wire and for the log. */
public final class SuggestMapper {
  private final CallMapper calls;

  public SuggestMapper(CallMapper calls) {
    this.calls = calls;
  }

  SuggestCommand toCommand(SuggestRequest request, long arrivalNanos) {
    return new SuggestCommand(
        calls.caller(request.getMetadata()),
        MeshMessages.selector(request.getPolicy()),
        request.getPrompt(),
        CallMapper.sampling(request.getSampling()),
        request.hasCandidatesCount() ? request.getCandidatesCount() : 1,
        gateMode(request.getGateMode()),
        request.getWithReward(),
        request.getWithCost(),
        request.getUser(),
        arrivalNanos);
  }

  private static GateMode gateMode(io.ballast.policy.v1.GateMode mode) {
    return switch (mode) {
      case GATE_MODE_UNSPECIFIED, GATE_MODE_ENFORCE -> GateMode.ENFORCE;
      case GATE_MODE_SHADOW -> GateMode.SHADOW;
      case GATE_MODE_OFF -> GateMode.OFF;
      case UNRECOGNIZED ->
          throw Texts.malformed("gate_mode", "unknown (expected: ENFORCE, SHADOW or OFF)");
    };
  }

  SuggestResponse toResponse(SuggestAnswer answer) {
    SuggestResponse.Builder response =
        SuggestResponse.newBuilder()
            .setSuggestionId(answer.suggestionId().toString())
            .setDecision(
                switch (answer.ruling().decision()) {
                  case SHOW -> Decision.DECISION_SHOW;
                  case WITHHOLD -> Decision.DECISION_WITHHOLD;
                  case BLOCK -> Decision.DECISION_BLOCK;
                })
            .setReason(reason(answer.ruling().reason()))
            .setText(answer.text())
            .setPropensity(answer.propensity())
            .setPolicyVersion(MeshMessages.version(answer.policyVersion()))
            .setSeed(answer.seed())
            .setGeneratedTokens(answer.generatedTokens())
            .setTiming(CallMapper.timing(answer.times()));
    GateStage deciding = answer.decidingStage();
    if (deciding != null) {
      response
          .setAcceptProbability(deciding.acceptProbability())
          .setAcceptThreshold(deciding.threshold());
    }
    GateStage one = answer.stageOne();
    if (one != null) {
      response.setStageOne(stage(one));
    }
    GateStage two = answer.stageTwo();
    if (two != null) {
      response.setStageTwo(stage(two));
    }
    RewardOutcome reward = answer.reward();
    if (reward != null) {
      response.setReward(reward(reward));
    }
    CostOutcome cost = answer.cost();
    if (cost != null) {
      response.setCost(cost(cost));
    }
    StopReason stop = answer.stopReason();
    if (stop != null) {
      response.setStopReason(CallMapper.stopReason(stop));
    }
    answer
        .degradations()
        .forEach(
            d ->
                response.addDegradations(
                    Degradation.newBuilder().setPeer(d.peer()).setMessage(d.message())));
    return response.build();
  }

  /** The bytes of the suggestion's {@link SuggestionRecord}, for the log. */
  public Payload encode(DecidedSuggestion suggestion) {
    SuggestCommand command = suggestion.command();
    SuggestionRecord.Builder record =
        SuggestionRecord.newBuilder()
            .setResponse(toResponse(suggestion.answer()))
            .setTenant(command.caller().tenant())
            .setUser(command.user())
            .setPrompt(command.prompt())
            .setSampling(CallMapper.sampling(suggestion.sampling()))
            .setGateMode(
                switch (command.gateMode()) {
                  case ENFORCE -> io.ballast.policy.v1.GateMode.GATE_MODE_ENFORCE;
                  case SHADOW -> io.ballast.policy.v1.GateMode.GATE_MODE_SHADOW;
                  case OFF -> io.ballast.policy.v1.GateMode.GATE_MODE_OFF;
                })
            .setDecisionTime(Timestamps.of(suggestion.decidedAt()));
    suggestion.history().map(SuggestMapper::history).ifPresent(record::setHistory);
    record
        .setArm(
            switch (suggestion.arm()) {
              case NONE -> CanaryArm.CANARY_ARM_UNSPECIFIED;
              case CONTROL -> CanaryArm.CANARY_ARM_CONTROL;
              case CANARY -> CanaryArm.CANARY_ARM_CANARY;
            })
        .setAliasRevision(suggestion.aliasRevision());
    Generation generation = suggestion.generation();
    if (generation != null) {
      record
          .setPromptTokens(CallMapper.tokens(generation.promptTokens()))
          .setCompletion(SampleMapper.completion(generation, suggestion.answer().policyVersion()));
    }
    return Payload.of(record.build().toByteArray());
  }

  /** The bytes of the {@link GateHistory}, for the gate and for the log. */
  public static Payload encode(PastOutcomes past) {
    GateHistory.Builder history =
        GateHistory.newBuilder()
            .setAcceptedCount(past.accepted())
            .setAnsweredCount(past.answered());
    past.latest()
        .forEach(
            one ->
                history.addOutcomes(
                    PastOutcome.newBuilder()
                        .setKind(
                            switch (one.outcome()) {
                              case ACCEPTED -> PastOutcomeKind.PAST_OUTCOME_KIND_ACCEPTED;
                              case REJECTED -> PastOutcomeKind.PAST_OUTCOME_KIND_REJECTED;
                              case EDITED -> PastOutcomeKind.PAST_OUTCOME_KIND_EDITED;
                            })
                        .setAge(CallMapper.duration(one.age()))));
    past.previousCharacters().ifPresent(history::setPreviousSuggestionCharacters);
    return Payload.of(history.build().toByteArray());
  }

  private static GateHistory history(Payload encoded) {
    try {
      return GateHistory.parseFrom(encoded.toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, "a user's history cannot be read", e);
    }
  }

  private static DecisionReason reason(io.ballast.policy.core.suggest.DecisionReason reason) {
    return switch (reason) {
      case LIKELY_ACCEPTED -> DecisionReason.DECISION_REASON_LIKELY_ACCEPTED;
      case CONTEXT_LIKELY_REJECTED -> DecisionReason.DECISION_REASON_CONTEXT_LIKELY_REJECTED;
      case SUGGESTION_LIKELY_REJECTED -> DecisionReason.DECISION_REASON_SUGGESTION_LIKELY_REJECTED;
      case COST_OVER_THRESHOLD -> DecisionReason.DECISION_REASON_COST_OVER_THRESHOLD;
      case COST_UNAVAILABLE -> DecisionReason.DECISION_REASON_COST_UNAVAILABLE;
      case EXPLORED -> DecisionReason.DECISION_REASON_EXPLORED;
      case GATE_NOT_ENFORCED -> DecisionReason.DECISION_REASON_GATE_NOT_ENFORCED;
      case GATE_UNAVAILABLE -> DecisionReason.DECISION_REASON_GATE_UNAVAILABLE;
      case EMPTY_COMPLETION -> DecisionReason.DECISION_REASON_EMPTY_COMPLETION;
    };
  }

  /** All that a stage said, also what decides nothing here. */
  private static GateStageAnswer stage(GateStage stage) {
    try {
      return GateStageAnswer.parseFrom(stage.answer().toBytes());
    } catch (InvalidProtocolBufferException e) {
      throw new MeshException(Fault.DEPENDENCY_BROKEN, "a gate's answer cannot be read", e);
    }
  }

  private static SuggestionReward reward(RewardOutcome reward) {
    return switch (reward) {
      case RewardOutcome.Scored scored -> {
        SuggestionReward.Builder built =
            SuggestionReward.newBuilder()
                .setValue(scored.value())
                .setModelVersion(MeshMessages.version(scored.rewardModel()));
        scored.spread().ifPresent(built::setSpread);
        yield built.build();
      }
      case RewardOutcome.Missing missing ->
          SuggestionReward.newBuilder().setFailure(MeshMessages.failure(missing.fault())).build();
    };
  }

  private static SuggestionCost cost(CostOutcome cost) {
    return switch (cost) {
      case CostOutcome.Estimated estimated ->
          SuggestionCost.newBuilder()
              .setHarmProbability(estimated.harmProbability())
              .setThreshold(estimated.threshold())
              .setModelVersion(MeshMessages.version(estimated.costModel()))
              .build();
      case CostOutcome.Missing missing ->
          SuggestionCost.newBuilder().setFailure(MeshMessages.failure(missing.fault())).build();
    };
  }
}
