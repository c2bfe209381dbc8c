package io.ballast.loadtest.call;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.loadtest.scenario.CallKind;
import io.ballast.loadtest.scenario.CallStep;
import io.ballast.loadtest.scenario.FeedbackKind;
import io.ballast.loadtest.scenario.Gate;
import io.ballast.loadtest.scenario.Lane;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.time.Duration;
import org.junit.jupiter.api.Test;

/** An answer that cannot be right is told from one that is, and from a failure. */
class AnswersTest {
  private static final SuggestResponse SHOWN =
      SuggestResponse.newBuilder()
          .setSuggestionId("id")
          .setDecision(Decision.DECISION_SHOW)
          .setText("size()")
          .setPropensity(1)
          .build();

  private static CallStep step(boolean judged, int items) {
    return new CallStep(
        "step",
        CallKind.SUGGEST,
        1,
        "tenant",
        Lane.INTERACTIVE,
        Duration.ofSeconds(1),
        Gate.ENFORCE,
        judged,
        judged,
        items,
        Duration.ZERO,
        FeedbackKind.ACCEPTED,
        false,
        0);
  }

  private static Outcome suggestion(SuggestResponse.Builder answer) {
    return Answers.suggestion(step(false, 1), answer.build());
  }

  @Test
  void suggestionsAreLabelledByTheirDecision() {
    assertThat(suggestion(SHOWN.toBuilder())).isEqualTo(Outcome.answered("SHOW"));
    assertThat(suggestion(SHOWN.toBuilder().setDecision(Decision.DECISION_WITHHOLD).clearText()))
        .isEqualTo(Outcome.answered("WITHHOLD"));
    assertThat(suggestion(SHOWN.toBuilder().addDegradations(Degradation.getDefaultInstance())))
        .isEqualTo(Outcome.answered("SHOW", 1));
  }

  @Test
  void suggestionsThatCannotBeRightAreWrong() {
    assertThat(suggestion(SHOWN.toBuilder().clearSuggestionId()))
        .isEqualTo(Outcome.wrong("NO_SUGGESTION_ID"));
    assertThat(suggestion(SHOWN.toBuilder().clearDecision()))
        .isEqualTo(Outcome.wrong("NO_DECISION"));
    assertThat(suggestion(SHOWN.toBuilder().clearText()))
        .isEqualTo(Outcome.wrong("SHOWN_WITHOUT_TEXT"));
    assertThat(suggestion(SHOWN.toBuilder().setDecision(Decision.DECISION_BLOCK)))
        .isEqualTo(Outcome.wrong("TEXT_NOT_TO_BE_SHOWN"));
    assertThat(suggestion(SHOWN.toBuilder().setPropensity(Double.NaN)))
        .isEqualTo(Outcome.wrong("PROPENSITY_OUT_OF_RANGE"));
    assertThat(
            suggestion(
                SHOWN.toBuilder().setReward(SuggestionReward.newBuilder().setValue(Double.NaN))))
        .isEqualTo(Outcome.wrong("REWARD_NOT_FINITE"));
    assertThat(
            suggestion(
                SHOWN.toBuilder().setCost(SuggestionCost.newBuilder().setHarmProbability(1.5))))
        .isEqualTo(Outcome.wrong("COST_OUT_OF_RANGE"));
  }

  @Test
  void whatWasAskedForMayBeMissingOnlyWithAWord() {
    assertThat(Answers.suggestion(step(true, 1), SHOWN))
        .isEqualTo(Outcome.wrong("COST_MISSING_WITHOUT_A_WORD"));
    SuggestResponse costed =
        SHOWN.toBuilder().setCost(SuggestionCost.newBuilder().setHarmProbability(0)).build();
    assertThat(Answers.suggestion(step(true, 1), costed))
        .isEqualTo(Outcome.wrong("REWARD_MISSING_WITHOUT_A_WORD"));
    assertThat(
            Answers.suggestion(
                step(true, 1),
                costed.toBuilder().addDegradations(without("reward-server")).build()))
        .isEqualTo(Outcome.answered("SHOW", 1));
  }

  @Test
  void aFailureIsNoNumberAndTheWordMustBeOfWhatIsMissing() {
    ItemFailure late =
        ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_DEADLINE).build();
    SuggestResponse.Builder neither =
        SHOWN.toBuilder()
            .setReward(SuggestionReward.newBuilder().setFailure(late))
            .setCost(SuggestionCost.newBuilder().setFailure(late));
    assertThat(Answers.suggestion(step(true, 1), neither.build()))
        .isEqualTo(Outcome.wrong("COST_MISSING_WITHOUT_A_WORD"));
    assertThat(
            Answers.suggestion(step(true, 1), neither.addDegradations(without("database")).build()))
        .isEqualTo(Outcome.wrong("COST_MISSING_WITHOUT_A_WORD"));
    assertThat(
            Answers.suggestion(
                step(true, 1), neither.addDegradations(without("safety-server")).build()))
        .isEqualTo(Outcome.wrong("REWARD_MISSING_WITHOUT_A_WORD"));
    assertThat(
            Answers.suggestion(
                step(true, 1), neither.addDegradations(without("reward-server")).build()))
        .isEqualTo(Outcome.answered("SHOW", 3));
  }

  private static Degradation.Builder without(String peer) {
    return Degradation.newBuilder().setPeer(peer);
  }

  private static Outcome scores(int items, ScoreResult... results) {
    ScoreResponse.Builder answer = ScoreResponse.newBuilder();
    for (ScoreResult result : results) {
      answer.addResults(result);
    }
    return Answers.scores(step(false, items), answer.build());
  }

  private static ScoreResult failure(FailureReason reason) {
    return ScoreResult.newBuilder().setFailure(ItemFailure.newBuilder().setReason(reason)).build();
  }

  @Test
  void anItemHasAFiniteScoreOrATypedFailure() {
    ScoreResult one = ScoreResult.newBuilder().setValue(-1).build();
    assertThat(scores(2, one, one)).isEqualTo(Outcome.answered("VALUE"));
    assertThat(scores(2, one, failure(FailureReason.FAILURE_REASON_QUORUM_LOST)))
        .isEqualTo(Outcome.failed("QUORUM_LOST"));
    assertThat(scores(2, one)).isEqualTo(Outcome.wrong("RESULTS_MISSING"));
    assertThat(scores(1, ScoreResult.newBuilder().setValue(Double.POSITIVE_INFINITY).build()))
        .isEqualTo(Outcome.wrong("SCORE_NOT_FINITE"));
    assertThat(scores(1, ScoreResult.getDefaultInstance()))
        .isEqualTo(Outcome.wrong("NEITHER_SCORE_NOR_FAILURE"));
    assertThat(scores(1, failure(FailureReason.FAILURE_REASON_UNSPECIFIED)))
        .isEqualTo(Outcome.wrong("FAILURE_WITHOUT_REASON"));
  }

  @Test
  void aReceiptNamesItsEventAndIsOfThisCall() {
    RecordFeedbackResponse kept = RecordFeedbackResponse.newBuilder().setEventId("e").build();
    assertThat(Answers.receipt(kept)).isEqualTo(Outcome.answered("KEPT"));
    assertThat(Answers.receipt(kept.toBuilder().setDuplicate(true).build()))
        .isEqualTo(Outcome.wrong("NEVER_SENT_BEFORE"));
    assertThat(Answers.receipt(RecordFeedbackResponse.getDefaultInstance()))
        .isEqualTo(Outcome.wrong("NO_EVENT_ID"));
  }
}
