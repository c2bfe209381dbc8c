package io.ballast.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.Timing;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.Decision;
import io.ballast.policy.v1.DecisionRecord;
import io.ballast.policy.v1.Edited;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.ReplayedField;
import io.ballast.policy.v1.ReplayedStage;
import io.ballast.policy.v1.StreamDecisionsRequest;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.policy.v1.SuggestionRecord;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateGuarantee;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.GuaranteeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** gate replay says why and what differs; gate times says what suggestions take. */
class GateLogCommandsTest {
  private final FakeMesh mesh = new FakeMesh();

  @AfterEach
  void close() {
    mesh.close();
  }

  @Test
  void aReplayExplainsTheDecision() {
    mesh.replay = replay(true);

    Cli.Result result = Cli.run(mesh, "gate", "replay", FakeMesh.SUGGESTION_ID, "--tenant=blue");

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    assertThat(result.out())
        .isEqualTo(
            """
            stage 2: WITHHOLD, P(accept) 0.1200 against 0.3000, by java-tiny 1
              flags: INPUT_NOT_FINITE
              bound: of what is hidden from a user, on average over users, at least 97.5 % would be rejected, with confidence 99.6 %
              on average                      -0.500
              suggestion_characters  18       -1.250
              log_prob_mean          missing  +0.250
              all others                      -0.492
              log-odds                        -1.992
            replayed: the same, bit by bit
            """);
    ReplayDecisionRequest asked = mesh.asked(ReplayDecisionRequest.class);
    assertThat(asked.getSuggestionId()).isEqualTo(FakeMesh.SUGGESTION_ID);
    assertThat(asked.getMetadata().getTenant()).isEqualTo("blue");
  }

  @Test
  void whatDiffersIsNamedAndTheCommandSaysSo() {
    mesh.replay = replay(false);

    Cli.Result result = Cli.run(mesh, "gate", "replay", FakeMesh.SUGGESTION_ID);

    assertThat(result.exit()).isEqualTo(4);
    assertThat(result.out())
        .contains("  DIFFERS threshold: was 0.3 (3fd3333333333333), is 0.4 (3fd999999999999a)")
        .contains("replayed: NOT the same");
    assertThat(
            Cli.run(mesh, "gate", "replay", FakeMesh.SUGGESTION_ID, "--json")
                .json()
                .path("identical")
                .asBoolean())
        .isFalse();
  }

  @Test
  void timesComeOfTheTenantsOwnFeedback() {
    for (int i = 0; i < 30; i++) {
      mesh.decisions.add(decision("ada", accepted(2)));
      mesh.decisions.add(decision("bob", edited(4)));
      mesh.decisions.add(hidden());
    }

    Cli.Result result =
        Cli.run(mesh, "gate", "times", "--typing", "5", "--tenant=blue", "--since=2026-05-01");

    assertThat(result.err()).isEmpty();
    assertThat(result.exit()).isZero();
    // 10 and 6 of 10 characters are kept, at 5 a second; 0 and 1 s of editing; p* = 3.5/1.1
    assertThat(result.out())
        .contains("ballast.safety.utility.blue.verification=PT3.000S")
        .contains("ballast.safety.utility.blue.waiting=PT0.500S")
        .contains("ballast.safety.utility.blue.writing=PT1.600S")
        .contains("ballast.safety.utility.blue.editing=PT0.500S")
        .contains(
            "By these times even a sure acceptance saves nothing (the line is at 3.182): nothing would be shown.");
    StreamDecisionsRequest asked = mesh.asked(StreamDecisionsRequest.class);
    assertThat(asked.getAllTenants()).isFalse();
    assertThat(asked.getSinceTime().getSeconds()).isEqualTo(1_777_593_600);
  }

  @Test
  void aLogThatSaysTooLittleIsRefused() {
    mesh.decisions.add(decision("ada", accepted(2)));

    Cli.Result result = Cli.run(mesh, "gate", "times");

    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err())
        .contains("the feedback log of a mesh: verification_duration: 1 suggestions of 1 users");
    assertThat(Cli.run(mesh, "gate", "times", "--typing", "0").exit()).isEqualTo(2);
  }

  private static ReplayDecisionResponse replay(boolean identical) {
    GateStageAnswer recorded =
        GateStageAnswer.newBuilder()
            .setOutcome(GateOutcome.GATE_OUTCOME_WITHHOLD)
            .setAcceptProbability(0.12)
            .setThreshold(0.3)
            .setModelVersion(FakeMesh.POLICY)
            .addFlags(GateFlag.GATE_FLAG_INPUT_NOT_FINITE)
            .setGuarantee(
                GateGuarantee.newBuilder()
                    .setTargetAccuracy(0.975)
                    .setAlpha(0.004)
                    .setUnit(GuaranteeUnit.GUARANTEE_UNIT_GROUP))
            .build();
    GateStageAnswer replayed =
        recorded.toBuilder()
            .setThreshold(identical ? 0.3 : 0.4)
            .setLogOdds(-1.992)
            .setBaseLogOdds(-0.5)
            .setOtherLogOdds(-0.492)
            .addContributions(
                Contribution.newBuilder()
                    .setFeature("suggestion_characters")
                    .setValue(18)
                    .setLogOdds(-1.25))
            .addContributions(
                Contribution.newBuilder().setFeature("log_prob_mean").setLogOdds(0.25))
            .build();
    return ReplayDecisionResponse.newBuilder()
        .setIdentical(identical)
        .addStages(
            ReplayedStage.newBuilder()
                .setStage(2)
                .setRecorded(recorded)
                .setReplayed(replayed)
                .setIdentical(identical)
                .addFields(
                    ReplayedField.newBuilder()
                        .setName("threshold")
                        .setRecorded("0.3 (3fd3333333333333)")
                        .setReplayed(
                            identical ? "0.3 (3fd3333333333333)" : "0.4 (3fd999999999999a)")
                        .setIdentical(identical)))
        .build();
  }

  private static DecisionRecord decision(String user, FeedbackEvent.Builder outcome) {
    return DecisionRecord.newBuilder()
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setUser(user)
                .setResponse(
                    SuggestResponse.newBuilder()
                        .setDecision(Decision.DECISION_SHOW)
                        .setText("0123456789")
                        .setTiming(
                            Timing.newBuilder()
                                .setTotalDuration(Duration.newBuilder().setNanos(500_000_000)))))
        .setOutcome(outcome)
        .build();
  }

  private static DecisionRecord hidden() {
    return DecisionRecord.newBuilder()
        .setSuggestion(
            SuggestionRecord.newBuilder()
                .setResponse(SuggestResponse.newBuilder().setDecision(Decision.DECISION_WITHHOLD)))
        .build();
  }

  private static FeedbackEvent.Builder accepted(int looked) {
    return FeedbackEvent.newBuilder()
        .setAccepted(Accepted.getDefaultInstance())
        .setVerificationDuration(Duration.newBuilder().setSeconds(looked));
  }

  private static FeedbackEvent.Builder edited(int looked) {
    return FeedbackEvent.newBuilder()
        .setEdited(
            Edited.newBuilder()
                .setKeptCharacters(6)
                .setEditDuration(Duration.newBuilder().setSeconds(1)))
        .setVerificationDuration(Duration.newBuilder().setSeconds(looked));
  }
}
