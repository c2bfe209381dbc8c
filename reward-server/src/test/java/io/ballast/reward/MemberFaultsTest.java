package io.ballast.reward;

import static io.ballast.reward.testing.TestReward.item;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.FailureReason;
import io.ballast.reward.testing.FakeEnsembles;
import io.ballast.reward.testing.TestReward;
import io.ballast.reward.v1.Aggregation;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ScoreItem;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.reward.v1.ScoreResponse;
import io.ballast.reward.v1.ScoreResult;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong in a member is a typed failure of the items concerned, and of no other. */
class MemberFaultsTest {
  private static final int MEMBERS = FakeEnsembles.MEMBERS;

  private TestReward reward = TestReward.start(Map.of());

  @AfterEach
  void stop() {
    reward.close();
  }

  private ScoreResponse score(ScoreItem... items) {
    return reward.stub().score(ScoreRequest.newBuilder().addAllItems(List.of(items)).build());
  }

  @ParameterizedTest
  @CsvSource({"aN, NaN", "aI, -Infinity"})
  void aNumberThatIsNoneIsTheMembersFailureWithTheMask(String completion, String number) {
    ScoreResult result = score(item("", "p", completion)).getResults(0);

    assertThat(result.hasValue()).isFalse();
    assertThat(result.hasSpread()).isFalse();
    assertThat(result.getFailure().getReason()).isEqualTo(FailureReason.FAILURE_REASON_QUORUM_LOST);
    assertThat(result.getFailure().getMessage())
        .contains("2 of 3 members answered, quorum 3")
        .contains("score " + number + " (expected: finite)");
    assertThat(result.getMemberMaskList()).containsExactly(true, false, true);
    assertThat(result.getMembers(1).hasRawScore()).isFalse();
    assertThat(result.getMembers(1).getFailure().getReason())
        .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
  }

  @Test
  void theSmallestNumberIsANumber() {
    ScoreResult result = score(item("", "p", "aS")).getResults(0);

    assertThat(result.getMembers(1).getRawScore()).isEqualTo(Double.MIN_VALUE);
    assertThat(result.getMembers(1).getNormalisedScore()).isEqualTo(-0.5); // (0 - 1)/2
    assertThat(result.getValue()).isEqualTo(-0.5);
  }

  @ParameterizedTest
  @EnumSource(
      value = AggregationMethod.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"AGGREGATION_METHOD_UNSPECIFIED", "UNRECOGNIZED"})
  void noAggregationMakesANumberOfAMemberThatHasNone(AggregationMethod method) {
    for (String completion : List.of("aN", "aI", "aE", "aL")) {
      ScoreResult result =
          reward
              .stub()
              .score(
                  ScoreRequest.newBuilder()
                      .setAggregation(Aggregation.newBuilder().setMethod(method))
                      .addItems(item("", "p", completion))
                      .build())
              .getResults(0);

      assertThat(result.hasValue()).as(completion).isFalse();
      assertThat(result.getFailure().getReason())
          .isEqualTo(FailureReason.FAILURE_REASON_QUORUM_LOST);
    }
  }

  @Test
  void oneBrokenItemOf256LeavesTheOthersTheirScores() {
    for (int broken : new int[] {0, 100, 255}) {
      List<ScoreItem> items = new ArrayList<>();
      for (int i = 0; i < 256; i++) {
        items.add(item("", "p" + i % 7, i == broken ? "N" : "a".repeat(1 + i % 50)));
      }

      ScoreResponse response =
          reward.stub().score(ScoreRequest.newBuilder().addAllItems(items).build());

      for (int i = 0; i < 256; i++) {
        ScoreResult result = response.getResults(i);
        assertThat(response.getSampleMask(i)).isEqualTo(i != broken);
        assertThat(result.hasValue()).isEqualTo(i != broken);
        if (i != broken) {
          assertThat(result.getMembersList())
              .extracting(member -> member.getRawScore())
              .containsExactly(1.0 + i % 50, 2 * (1.0 + i % 50), 3 * (1.0 + i % 50));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"F", "T"})
  void anEngineThatAnswersForFewerItemsOrDiesFailsItsPromptAlone(String completion) {
    ScoreResponse response =
        score(item("bad", "p", completion), item("beside", "p", "aa"), item("other", "q", "aaa"));

    for (int i = 0; i < 2; i++) { // whose answers these are nobody can say
      assertThat(response.getResults(i).hasValue()).isFalse();
      assertThat(response.getResults(i).getFailure().getReason())
          .isEqualTo(FailureReason.FAILURE_REASON_MODEL_ERROR);
      assertThat(response.getResults(i).getMembersList()).isEmpty();
    }
    assertThat(response.getResults(2).getMembersCount()).isEqualTo(MEMBERS);
    assertThat(response.getResults(2).getMembers(0).getRawScore()).isEqualTo(3);
  }

  @Test
  void anEngineThatHangsIsADeadlineAndTheNextIsAnswered() {
    reward.close();
    reward = TestReward.start(Map.of("model-timeout", "PT1S", "workers", "1"));
    reward.ensembles.hold();

    ScoreResult late = score(item("", "p", "a")).getResults(0);
    reward.ensembles.release();

    assertThat(late.hasValue()).isFalse();
    assertThat(late.getFailure().getReason()).isEqualTo(FailureReason.FAILURE_REASON_DEADLINE);
    assertThat(score(item("", "p", "aa")).getResults(0).getMembers(0).getRawScore()).isEqualTo(2);
  }
}
