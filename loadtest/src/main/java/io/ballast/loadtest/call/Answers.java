package io.ballast.loadtest.call;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;

/** What an answer must be like, whatever it says; one that is not is {@link Outcome#wrong}. */
final class Answers {
  private Answers() {}

  /** A suggestion; labelled by its decision. */
  static Outcome suggestion(CallStep step, SuggestResponse answer) {
    String flaw = flaw(step, answer);
    return flaw.isEmpty()
        ? Outcome.answered(
            without("DECISION_", answer.getDecision().name()), answer.getDegradationsCount())
        : Outcome.wrong(flaw);
  }

  private static String flaw(CallStep step, SuggestResponse answer) {
    if (answer.getSuggestionId().isEmpty()) {
      return "NO_SUGGESTION_ID";
    }
    boolean shown = answer.getDecision() == Decision.DECISION_SHOW;
    if (answer.getDecision() == Decision.DECISION_UNSPECIFIED
        || answer.getDecision() == Decision.UNRECOGNIZED) {
      return "NO_DECISION";
    }
    if (shown == answer.getText().isEmpty()) {
      return shown ? "SHOWN_WITHOUT_TEXT" : "TEXT_NOT_TO_BE_SHOWN";
    }
    if (!(answer.getPropensity() > 0 && answer.getPropensity() <= 1)) {
      return "PROPENSITY_OUT_OF_RANGE";
    }
    if (answer.getReward().hasValue() && !Double.isFinite(answer.getReward().getValue())) {
      return "REWARD_NOT_FINITE";
    }
    if (answer.getCost().hasHarmProbability()
        && !(answer.getCost().getHarmProbability() >= 0
            && answer.getCost().getHarmProbability() <= 1)) {
      return "COST_OUT_OF_RANGE";
    }
    if (shown
        && step.withCost()
        && !answer.getCost().hasHarmProbability()
        && !names(answer, "safety-server")) {
      return "COST_MISSING_WITHOUT_A_WORD";
    }
    if (shown
        && step.withReward()
        && !answer.getReward().hasValue()
        && !names(answer, "reward-server")) {
      return "REWARD_MISSING_WITHOUT_A_WORD";
    }
    return "";
  }

  /** Whether the answer says that it was made without {@code peer}, or a part of its answer. */
  private static boolean names(SuggestResponse answer, String peer) {
    return answer.getDegradationsList().stream().anyMatch(one -> one.getPeer().equals(peer));
  }

  /** Scores; a call with an item that has no value has failed, with that item's reason. */
  static Outcome scores(CallStep step, ScoreResponse answer) {
    if (answer.getResultsCount() != step.items()) {
      return Outcome.wrong("RESULTS_MISSING");
    }
    String failure = "";
    for (ScoreResult result : answer.getResultsList()) {
      switch (result.getOutcomeCase()) {
        case VALUE -> {
          if (!Double.isFinite(result.getValue())) {
            return Outcome.wrong("SCORE_NOT_FINITE");
          }
        }
        case FAILURE -> {
          FailureReason reason = result.getFailure().getReason();
          if (reason == FailureReason.FAILURE_REASON_UNSPECIFIED
              || reason == FailureReason.UNRECOGNIZED) {
            return Outcome.wrong("FAILURE_WITHOUT_REASON");
          }
          failure = failure.isEmpty() ? without("FAILURE_REASON_", reason.name()) : failure;
        }
        case OUTCOME_NOT_SET -> {
          return Outcome.wrong("NEITHER_SCORE_NOR_FAILURE");
        }
      }
    }
    return failure.isEmpty() ? Outcome.answered("VALUE") : Outcome.failed(failure);
  }

  /** The receipt of an event that is reported for the first time. */
  static Outcome receipt(RecordFeedbackResponse answer) {
    if (answer.getEventId().isEmpty()) {
      return Outcome.wrong("NO_EVENT_ID");
    }
    return answer.getDuplicate() ? Outcome.wrong("NEVER_SENT_BEFORE") : Outcome.answered("KEPT");
  }

  private static String without(String prefix, String name) {
    return name.startsWith(prefix) ? name.substring(prefix.length()) : name;
  }
}
