package io.ballast.standalone.demo.mesh;

import com.google.protobuf.Duration;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.safety.v1.GateOutcome;
import java.util.OptionalDouble;

/** Translates the mesh's answer. */
final class SuggestionMapper {
  private SuggestionMapper() {}

  static Suggestion toSuggestion(SuggestResponse answer) {
    SuggestionReward reward = answer.getReward();
    SuggestionCost cost = answer.getCost();
    return new Suggestion(
        answer.getSuggestionId(),
        fate(answer.getDecision()),
        reason(answer.getReason()),
        answer.getText(),
        optional(answer.hasAcceptProbability(), answer.getAcceptProbability()),
        optional(answer.hasAcceptThreshold(), answer.getAcceptThreshold()),
        answer.getDecision() == Decision.DECISION_WITHHOLD || withholds(answer),
        optional(answer.hasStageTwo(), answer.getStageTwo().getAcceptProbability()),
        optional(answer.hasReward() && reward.hasValue(), reward.getValue()),
        optional(answer.hasReward() && reward.hasSpread(), reward.getSpread()),
        optional(answer.hasCost() && cost.hasHarmProbability(), cost.getHarmProbability()),
        optional(answer.hasCost() && cost.hasHarmProbability(), cost.getThreshold()),
        answer.getPolicyVersion().getVersion(),
        millis(answer.getTiming().getTotalDuration()),
        answer.getDegradationsCount() > 0);
  }

  /** What the gate in force would do: what stage 1 explores is shown without stage 2. */
  private static boolean withholds(SuggestResponse answer) {
    GateOutcome one = answer.getStageOne().getOutcome();
    return one == GateOutcome.GATE_OUTCOME_WITHHOLD
        || (one != GateOutcome.GATE_OUTCOME_EXPLORE
            && answer.getStageTwo().getOutcome() == GateOutcome.GATE_OUTCOME_WITHHOLD);
  }

  private static Suggestion.Fate fate(Decision decision) {
    return switch (decision) {
      case DECISION_SHOW -> Suggestion.Fate.SHOWN;
      case DECISION_WITHHOLD -> Suggestion.Fate.WITHHELD;
      case DECISION_BLOCK -> Suggestion.Fate.BLOCKED;
      case DECISION_UNSPECIFIED, UNRECOGNIZED ->
          throw new IllegalArgumentException("decision: " + decision + " (expected: one we know)");
    };
  }

  private static String reason(DecisionReason reason) {
    return switch (reason) {
      case DECISION_REASON_LIKELY_ACCEPTED -> "likely accepted";
      case DECISION_REASON_CONTEXT_LIKELY_REJECTED ->
          "the context alone says: likely rejected; nothing was generated";
      case DECISION_REASON_SUGGESTION_LIKELY_REJECTED -> "likely rejected";
      case DECISION_REASON_COST_OVER_THRESHOLD -> "likely to break the file";
      case DECISION_REASON_COST_UNAVAILABLE -> "no cost to be had: fails closed";
      case DECISION_REASON_EXPLORED -> "shown so that the gate can go on learning";
      case DECISION_REASON_GATE_NOT_ENFORCED -> "the gate was only asked";
      case DECISION_REASON_GATE_UNAVAILABLE -> "no gate to be had";
      case DECISION_REASON_EMPTY_COMPLETION -> "nothing to add";
      case DECISION_REASON_UNSPECIFIED, UNRECOGNIZED -> "no reason given";
    };
  }

  private static OptionalDouble optional(boolean present, double value) {
    return present ? OptionalDouble.of(value) : OptionalDouble.empty();
  }

  private static double millis(Duration duration) {
    return duration.getSeconds() * 1e3 + duration.getNanos() / 1e6;
  }
}
