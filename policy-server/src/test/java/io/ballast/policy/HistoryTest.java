package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.GetSuggestionRequest;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.SuggestRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.PastOutcome;
import io.ballast.safety.v1.PastOutcomeKind;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The gate is told what the user did before, and the record keeps what it was told. */
class HistoryTest extends SuggestCase {
  @Test
  void ofAUserWhoWasNeverSeenNothingIsKnownAtFirst() {
    SuggestResponse answer = suggest(mesh, "ada");

    assertThat(mesh.safety.generationRequests.getFirst().hasHistory()).isFalse();
    assertThat(recordOf(answer).hasHistory()).isFalse();
  }

  @Test
  @Timeout(60)
  void bothStagesAndTheRecordHaveTheSameHistory() {
    becomeKnown(mesh, "ada");
    SuggestResponse accepted = suggest(mesh, "ada");
    accept(accepted);
    mesh.clock.advance(Duration.ofSeconds(90));

    SuggestResponse next = suggest(mesh, "ada");

    GateHistory history = recordOf(next).getHistory();
    assertThat(history.getOutcomesList())
        .containsExactly(
            PastOutcome.newBuilder()
                .setKind(PastOutcomeKind.PAST_OUTCOME_KIND_ACCEPTED)
                .setAge(com.google.protobuf.Duration.newBuilder().setSeconds(90))
                .build());
    assertThat(history.getAcceptedCount()).isEqualTo(1);
    assertThat(history.getAnsweredCount()).isEqualTo(1);
    assertThat(history.getPreviousSuggestionCharacters()).isEqualTo(accepted.getText().length());
    assertThat(mesh.safety.generationRequests.getLast().getHistory()).isEqualTo(history);
    assertThat(mesh.safety.displayRequests.getLast().getHistory()).isEqualTo(history);
  }

  @Test
  @Timeout(60)
  void whatWasNotShownIsNotOfThePast() {
    becomeKnown(mesh, "ada");
    mesh.safety.stageTwo = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.1, 1);
    GateHistory before = recordOf(suggest(mesh, "ada")).getHistory();

    GateHistory after = recordOf(suggest(mesh, "ada")).getHistory();

    assertThat(after).isEqualTo(before);
  }

  @Test
  @Timeout(60)
  void anotherReplicaReadsItFromTheLog() {
    accept(suggest(mesh, "ada"));
    try (TestMesh beside = mesh.startBeside()) {
      beside.clock.advance(Duration.ofSeconds(1)); // or it would issue the same ids
      GateHistory history = becomeKnown(beside, "ada").getHistory();

      assertThat(history.getAnsweredCount()).isEqualTo(1);
      assertThat(history.getOutcomes(0).getKind())
          .isEqualTo(PastOutcomeKind.PAST_OUTCOME_KIND_ACCEPTED);
    }
  }

  @Test
  void withoutAUserOrAGateThereIsNoHistory() {
    SuggestResponse nobody = suggest(mesh, "");
    SuggestResponse off =
        mesh.policy().suggest(request().setUser("ada").setGateMode(GateMode.GATE_MODE_OFF).build());

    assertThat(recordOf(nobody).hasHistory()).isFalse();
    assertThat(recordOf(off).hasHistory()).isFalse();
  }

  @Test
  void stageTwoIsToldRewardAndCostWhereTheyAreKnown() {
    mesh.policy().suggest(request().setWithReward(true).setWithCost(true).build());
    mesh.suggest(PROMPT);

    DecideDisplayRequest known = mesh.safety.displayRequests.getFirst();
    assertThat(known.getReward()).isEqualTo(16);
    assertThat(known.getRewardSpread()).isEqualTo(0.25);
    assertThat(known.getHarmProbability()).isEqualTo(0.1);
    DecideDisplayRequest unknown = mesh.safety.displayRequests.getLast();
    assertThat(unknown.hasReward()).isFalse();
    assertThat(unknown.hasRewardSpread()).isFalse();
    assertThat(unknown.hasHarmProbability()).isFalse();
  }

  @Test
  void theRecordKeepsAllThatAStageSaid() {
    GateStageAnswer full =
        answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1).toBuilder()
            .addContributions(
                Contribution.newBuilder().setFeature("line_length").setValue(3).setLogOdds(0.2))
            .addFlags(GateFlag.GATE_FLAG_INPUT_MISSING)
            .setFeatureVersion(2)
            .setFolderSha256("ab".repeat(32))
            .build();
    mesh.safety.stageTwo = full;

    SuggestResponse answer = mesh.suggest(PROMPT);

    assertThat(answer.getStageTwo()).isEqualTo(full);
    assertThat(recordOf(answer).getResponse().getStageTwo()).isEqualTo(full);
  }

  private static SuggestResponse suggest(TestMesh mesh, String user) {
    return mesh.policy()
        .suggest(SuggestRequest.newBuilder().setPrompt(PROMPT).setUser(user).build());
  }

  /** Suggests until the user's history is at hand; returns the first record that has it. */
  private static SuggestionRecord becomeKnown(TestMesh mesh, String user) {
    while (true) {
      SuggestionRecord record =
          mesh.feedback()
              .getSuggestion(
                  GetSuggestionRequest.newBuilder()
                      .setSuggestionId(suggest(mesh, user).getSuggestionId())
                      .build())
              .getSuggestion();
      if (record.hasHistory()) {
        return record;
      }
    }
  }

  private void accept(SuggestResponse answer) {
    var unused =
        mesh.feedback()
            .recordFeedback(
                RecordFeedbackRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("", "of " + answer.getSuggestionId()))
                    .setEvent(
                        FeedbackEvent.newBuilder()
                            .setSuggestionId(answer.getSuggestionId())
                            .setAccepted(Accepted.getDefaultInstance()))
                    .build());
  }
}
