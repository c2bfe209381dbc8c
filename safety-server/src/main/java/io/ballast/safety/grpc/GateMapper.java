package io.ballast.safety.grpc;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.rl.gate.GateDecision;
import io.ballast.safety.core.gate.GateAnswer;
import io.ballast.safety.core.gate.GateCall;
import io.ballast.safety.core.gate.GateChoice;
import io.ballast.safety.core.gate.GateContext;
import io.ballast.safety.core.gate.GateHistory.Kind;
import io.ballast.safety.core.gate.GateHistory.Past;
import io.ballast.safety.core.gate.GateScores;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.core.gate.StageRule;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateGuarantee;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateReplay;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.GuaranteeUnit;
import io.ballast.safety.v1.PastOutcome;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;

/** Translates the display gate. */
final class GateMapper {
  private static final int MAX_USER_CHARACTERS = 128;

  private final CallContexts contexts;

  GateMapper(CallContexts contexts) {
    this.contexts = contexts;
  }

  /** Validates who asks, and returns for whom. */
  String tenant(RequestMetadata metadata, String user) {
    String tenant = contexts.caller(metadata).tenant();
    if (user.length() > MAX_USER_CHARACTERS) {
      throw Texts.malformed(
          "user",
          "%,d characters (expected: at most %d)".formatted(user.length(), MAX_USER_CHARACTERS));
    }
    return tenant;
  }

  static GateSuggestion suggestion(DecideDisplayRequest request) {
    float[] logProbs = new float[request.getLogProbsCount()];
    for (int t = 0; t < logProbs.length; t++) {
      logProbs[t] = request.getLogProbs(t);
    }
    Optional<StopReason> stop =
        switch (request.getStopReason()) {
          case STOP_REASON_END_OF_TEXT -> Optional.of(StopReason.END_OF_TEXT);
          case STOP_REASON_STOP_STRING -> Optional.of(StopReason.STOP_STRING);
          case STOP_REASON_MAX_TOKENS -> Optional.of(StopReason.MAX_TOKENS);
          case STOP_REASON_CONTEXT_FULL -> Optional.of(StopReason.CONTEXT_FULL);
          case STOP_REASON_CANCELLED -> Optional.of(StopReason.CANCELLED);
          case STOP_REASON_STOP_TOKEN -> Optional.of(StopReason.STOP_TOKEN);
          case STOP_REASON_GRAMMAR_COMPLETE -> Optional.of(StopReason.GRAMMAR_COMPLETE);
          case STOP_REASON_GRAMMAR_INCOMPLETE -> Optional.of(StopReason.GRAMMAR_INCOMPLETE);
          case STOP_REASON_UNSPECIFIED -> Optional.empty();
          case UNRECOGNIZED ->
              throw Texts.malformed(
                  "stop_reason", request.getStopReasonValue() + " (expected: a known reason)");
        };
    return new GateSuggestion(
        request.getSuggestion(),
        PerToken.of(logProbs),
        stop,
        new GateScores(
            number(request.hasReward(), request.getReward()),
            number(request.hasRewardSpread(), request.getRewardSpread()),
            number(request.hasHarmProbability(), request.getHarmProbability())));
  }

  private static OptionalDouble number(boolean given, double value) {
    return given ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  static GateContext context(DecideGenerationRequest request) {
    return new GateContext(
        request.getPrompt(),
        request.hasHistory() ? Optional.of(history(request.getHistory())) : Optional.empty());
  }

  static GateContext context(DecideDisplayRequest request) {
    return new GateContext(
        request.getPrompt(),
        request.hasHistory() ? Optional.of(history(request.getHistory())) : Optional.empty());
  }

  static GateCall call(String tenant, DecideGenerationRequest request) {
    return call(
        tenant,
        request.getExplorationSeed(),
        given(request.hasGateVersion(), request.getGateVersion()),
        given(request.hasOtherGateVersion(), request.getOtherGateVersion()),
        request.getFeatureVersion(),
        request.getReplay());
  }

  static GateCall call(String tenant, DecideDisplayRequest request) {
    return call(
        tenant,
        request.getExplorationSeed(),
        given(request.hasGateVersion(), request.getGateVersion()),
        given(request.hasOtherGateVersion(), request.getOtherGateVersion()),
        request.getFeatureVersion(),
        request.getReplay());
  }

  private static Optional<ModelVersion> given(boolean given, ModelVersion version) {
    return given ? Optional.of(version) : Optional.empty();
  }

  private static GateCall call(
      String tenant,
      long seed,
      Optional<ModelVersion> gate,
      Optional<ModelVersion> other,
      int features,
      GateReplay replay) {
    return new GateCall(
        tenant,
        seed,
        pin("gate", gate, replay.getGateFolderSha256()),
        pin("other_gate", other, replay.getOtherGateFolderSha256()),
        features,
        GateRules.rule(gate.isPresent(), replay));
  }

  private static Optional<GateCall.Pin> pin(
      String which, Optional<ModelVersion> given, String folder) {
    String field = "replay.%s_folder_sha256".formatted(which);
    if (given.isEmpty()) {
      if (!folder.isEmpty()) {
        throw Texts.malformed(field, "without %s_version".formatted(which));
      }
      return Optional.empty();
    }
    if (!folder.isEmpty() && !Sha256.matches(folder)) {
      throw Texts.malformed(
          field,
          "%,d characters (expected: 64 lower-case hexadecimal digits)".formatted(folder.length()));
    }
    ModelVersion version = given.get();
    if (version.getModel().isEmpty() || version.getVersion().isEmpty()) {
      throw Texts.malformed(
          which + "_version",
          "model '%s', version '%s' (expected: both)"
              .formatted(version.getModel(), version.getVersion()));
    }
    return Optional.of(
        new GateCall.Pin(
            new GateChoice(version.getModel(), version.getVersion()),
            version.getWeightsSha256(),
            folder));
  }

  private static io.ballast.safety.core.gate.GateHistory history(GateHistory history) {
    return new io.ballast.safety.core.gate.GateHistory(
        history.getOutcomesList().stream().map(GateMapper::past).toList(),
        history.getAcceptedCount(),
        history.getAnsweredCount(),
        history.hasPreviousSuggestionCharacters()
            ? OptionalInt.of(history.getPreviousSuggestionCharacters())
            : OptionalInt.empty());
  }

  private static Past past(PastOutcome outcome) {
    return new Past(
        switch (outcome.getKind()) {
          case PAST_OUTCOME_KIND_ACCEPTED -> Kind.ACCEPTED;
          case PAST_OUTCOME_KIND_REJECTED -> Kind.REJECTED;
          case PAST_OUTCOME_KIND_EDITED -> Kind.EDITED;
          case PAST_OUTCOME_KIND_UNSPECIFIED, UNRECOGNIZED -> Kind.UNKNOWN;
        },
        outcome.hasAge()
            ? OptionalDouble.of(outcome.getAge().getSeconds() + outcome.getAge().getNanos() / 1e9)
            : OptionalDouble.empty());
  }

  static GateStageAnswer answer(GateAnswer answer) {
    GateDecision decision = answer.decision();
    GateStageAnswer.Builder mapped =
        GateStageAnswer.newBuilder()
            .addAllFlags(answer.flags().stream().sorted().map(GateMapper::flag).toList())
            .addAllMissingInputs(answer.missing())
            .setFeatureVersion(answer.features().version())
            .setFolderSha256(answer.folderSha256())
            .setExplorationSeed(answer.explorationSeed())
            .setLogOdds(answer.logOdds());
    switch (answer.rule()) {
      case StageRule.Lines lines -> mapped.setRule(GateRule.GATE_RULE_LINES);
      case StageRule.TimeSaved saved ->
          mapped.setRule(GateRule.GATE_RULE_TIME_SAVED).setTimes(GateRules.times(saved.times()));
    }
    answer
        .other()
        .ifPresent(
            other ->
                mapped
                    .setOtherGateVersion(MeshMessages.version(other.model()))
                    .setOtherGateFolderSha256(other.folderSha256()));
    answer
        .contributions()
        .ifPresent(
            moved ->
                mapped
                    .addAllContributions(
                        moved.strongest().stream().map(GateMapper::contribution).toList())
                    .setBaseLogOdds(moved.base())
                    .setOtherLogOdds(moved.others()));
    answer
        .guarantee()
        .ifPresent(
            proven ->
                mapped.setGuarantee(
                    GateGuarantee.newBuilder()
                        .setTargetAccuracy(proven.targetAccuracy())
                        .setAlpha(proven.alpha())
                        .setHiddenCount(proven.hidden())
                        .setAcceptedCount(proven.accepted())
                        .setPValue(proven.pValue())
                        .setUnit(
                            switch (proven.unit()) {
                              case GROUP -> GuaranteeUnit.GUARANTEE_UNIT_GROUP;
                              case DECISION -> GuaranteeUnit.GUARANTEE_UNIT_DECISION;
                            })
                        .setUnitsCount(proven.units())));
    return mapped
        .setOutcome(
            switch (decision.outcome()) {
              case PASS -> GateOutcome.GATE_OUTCOME_PASS;
              case WITHHOLD -> GateOutcome.GATE_OUTCOME_WITHHOLD;
              case REFER -> GateOutcome.GATE_OUTCOME_REFER;
              case EXPLORE -> GateOutcome.GATE_OUTCOME_EXPLORE;
            })
        .setAcceptProbability(decision.acceptProbability())
        .setThreshold(decision.threshold())
        .setEntropyBits(decision.entropyBits())
        .setReferEntropy(decision.referEntropyBits())
        .setPropensity(decision.propensity())
        .setModelVersion(MeshMessages.version(answer.model()))
        .setSkipsStageTwo(answer.skipsStageTwo())
        .build();
  }

  private static Contribution contribution(io.ballast.safety.core.gate.Contribution moved) {
    Contribution.Builder mapped =
        Contribution.newBuilder().setFeature(moved.feature()).setLogOdds(moved.logOdds());
    if (!Float.isNaN(moved.value())) {
      mapped.setValue(moved.value());
    }
    return mapped.build();
  }

  private static GateFlag flag(io.ballast.safety.core.gate.GateFlag flag) {
    return switch (flag) {
      case INPUT_MISSING -> GateFlag.GATE_FLAG_INPUT_MISSING;
      case INPUT_NOT_FINITE -> GateFlag.GATE_FLAG_INPUT_NOT_FINITE;
      case GUARANTEE_LOST -> GateFlag.GATE_FLAG_GUARANTEE_LOST;
      case NOTHING_SAVED -> GateFlag.GATE_FLAG_NOTHING_SAVED;
    };
  }
}
