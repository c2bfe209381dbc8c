package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.loadtest.openloop.Outcome;
import io.ballast.mesh.v1.FailureReason;
import io.ballast.mesh.v1.ItemFailure;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionReason;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionCost;
import io.ballast.policy.v1.SuggestionReward;
import io.ballast.safety.v1.GateStageAnswer;
import org.junit.jupiter.api.Test;

/** A suggestion that lacks what was asked for is not counted as one. */
class SuggestCallsTest {
  private static final ItemFailure LATE =
      ItemFailure.newBuilder().setReason(FailureReason.FAILURE_REASON_DEADLINE).build();
  private static final SuggestResponse WHOLE =
      SuggestResponse.newBuilder()
          .setDecision(Decision.DECISION_SHOW)
          .setReason(DecisionReason.DECISION_REASON_GATE_NOT_ENFORCED)
          .setText("size()")
          .setStageOne(GateStageAnswer.getDefaultInstance())
          .setReward(SuggestionReward.newBuilder().setValue(0))
          .setCost(SuggestionCost.newBuilder().setHarmProbability(0))
          .build();

  private final SuggestCalls judged = new SuggestCalls(true, 8);
  private final SuggestCalls bare = new SuggestCalls(false, 8);

  @Test
  void aWholeAnswerCounts() {
    assertThat(judged.outcome(WHOLE)).isEqualTo(Outcome.answered("SUGGESTED"));
    assertThat(judged.whole(WHOLE)).isSameAs(WHOLE);
  }

  @Test
  void whatIsSaidToBeMissingIsMissing() {
    SuggestResponse degraded =
        WHOLE.toBuilder().addDegradations(Degradation.newBuilder().setPeer("database")).build();
    assertLacks("DEGRADED", degraded);
    assertThat(bare.outcome(degraded)).isEqualTo(Outcome.failed("DEGRADED"));
  }

  @Test
  void aFailureIsNoNumberThoughNothingIsSaidOfIt() {
    assertLacks(
        "NO_REWARD",
        WHOLE.toBuilder().setReward(SuggestionReward.newBuilder().setFailure(LATE)).build());
    assertLacks(
        "NO_COST", WHOLE.toBuilder().setCost(SuggestionCost.newBuilder().setFailure(LATE)).build());
    assertLacks("NO_REWARD", WHOLE.toBuilder().clearReward().build());
    assertLacks("NO_COST", WHOLE.toBuilder().clearCost().build());
    assertLacks("NO_GATE", WHOLE.toBuilder().clearStageOne().build());
  }

  @Test
  void nobodyJudgesAnEmptyCompletionNorWhatIsNotToBeJudged() {
    SuggestResponse empty =
        WHOLE.toBuilder()
            .setDecision(Decision.DECISION_WITHHOLD)
            .setReason(DecisionReason.DECISION_REASON_EMPTY_COMPLETION)
            .clearText()
            .clearReward()
            .clearCost()
            .build();
    assertThat(judged.outcome(empty)).isEqualTo(Outcome.answered("SUGGESTED"));
    assertThat(bare.outcome(WHOLE.toBuilder().clearStageOne().clearReward().clearCost().build()))
        .isEqualTo(Outcome.answered("SUGGESTED"));
  }

  private void assertLacks(String flaw, SuggestResponse answer) {
    assertThat(judged.outcome(answer)).isEqualTo(Outcome.failed(flaw));
    assertThatThrownBy(() -> judged.whole(answer))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining(flaw);
  }
}
