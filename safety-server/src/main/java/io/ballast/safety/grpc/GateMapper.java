package io.ballast.safety.grpc;

import io.ballast.inference.api.PerToken;
import io.ballast.inference.api.StopReason;
import io.ballast.kit.call.Texts;
import io.ballast.kit.grpc.MeshMessages;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.rl.gate.GateDecision;
import io.ballast.safety.core.gate.GateAnswer;
import io.ballast.safety.core.gate.GateSuggestion;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import java.util.Optional;

/** Translates the display gate. */
final class GateMapper {
  private static final int MAX_USER_CHARACTERS = 128;

  private final CallContexts contexts;

  GateMapper(CallContexts contexts) {
    this.contexts = contexts;
  }

  /** Validates who asks; the gate decides the same for everyone. */
  void requireCaller(RequestMetadata metadata, String user) {
    var unused = contexts.caller(metadata);
    if (user.length() > MAX_USER_CHARACTERS) {
      throw Texts.malformed(
          "user",
          "%,d characters (expected: at most %d)".formatted(user.length(), MAX_USER_CHARACTERS));
    }
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
    return new GateSuggestion(request.getSuggestion(), PerToken.of(logProbs), stop);
  }

  static GateStageAnswer answer(GateAnswer answer) {
    GateDecision decision = answer.decision();
    return GateStageAnswer.newBuilder()
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
}
