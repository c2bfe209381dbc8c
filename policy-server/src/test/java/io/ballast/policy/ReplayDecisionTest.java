package io.ballast.policy;

import static io.ballast.policy.testing.FakeSafetyServer.GATE_MODEL;
import static io.ballast.policy.testing.FakeSafetyServer.answer;
import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.GateMode;
import io.ballast.policy.v1.ReplayDecisionRequest;
import io.ballast.policy.v1.ReplayDecisionResponse;
import io.ballast.policy.v1.ReplayedField;
import io.ballast.policy.v1.ReplayedStage;
import io.ballast.policy.v1.SuggestResponse;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateGuarantee;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.GateTimes;
import io.ballast.safety.v1.GuaranteeUnit;
import io.grpc.Status;
import org.junit.jupiter.api.Test;

/** A decision is taken again with what was known then, by the gate versions that took it. */
class ReplayDecisionTest extends SuggestCase {
  @Test
  void theGateIsAskedTheSameAgainByItsVersions() {
    SuggestResponse decided =
        mesh.policy()
            .suggest(request().setUser("ada").setWithReward(true).setWithCost(true).build());
    DecideGenerationRequest one = mesh.safety.generationRequests.getFirst();
    DecideDisplayRequest two = mesh.safety.displayRequests.getFirst();

    ReplayDecisionResponse replayed = replay(decided);

    assertThat(replayed.getIdentical()).isTrue();
    assertThat(replayed.getStagesList()).extracting(ReplayedStage::getStage).containsExactly(1, 2);
    DecideGenerationRequest oneAgain = mesh.safety.generationRequests.getLast();
    assertThat(oneAgain.getGateVersion()).isEqualTo(GATE_MODEL);
    assertThat(oneAgain.getOtherGateVersion()).isEqualTo(GATE_MODEL);
    assertThat(
            oneAgain.toBuilder()
                .clearGateVersion()
                .clearOtherGateVersion()
                .clearReplay()
                .setMetadata(one.getMetadata())
                .build())
        .isEqualTo(one);
    DecideDisplayRequest twoAgain = mesh.safety.displayRequests.getLast();
    assertThat(twoAgain.getGateVersion()).isEqualTo(GATE_MODEL);
    assertThat(
            twoAgain.toBuilder()
                .clearGateVersion()
                .clearOtherGateVersion()
                .clearReplay()
                .setMetadata(two.getMetadata())
                .build())
        .isEqualTo(two);
  }

  @Test
  void theLeastBitThatDiffersIsNamed() {
    GateStageAnswer before =
        answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1).toBuilder()
            .addContributions(Contribution.newBuilder().setFeature("length").setLogOdds(0.25))
            .build();
    mesh.safety.stageTwo = before;
    SuggestResponse decided = mesh.suggest(PROMPT);
    mesh.safety.stageTwo = before.toBuilder().setAcceptProbability(Math.nextUp(0.6)).build();

    ReplayDecisionResponse replayed = replay(decided);

    assertThat(replayed.getIdentical()).isFalse();
    assertThat(replayed.getStages(0).getIdentical()).isTrue();
    ReplayedStage two = replayed.getStages(1);
    assertThat(two.getIdentical()).isFalse();
    assertThat(two.getRecorded().getAcceptProbability()).isEqualTo(0.6);
    assertThat(two.getFieldsList())
        .filteredOn(field -> !field.getIdentical())
        .containsExactly(
            ReplayedField.newBuilder()
                .setName("accept_probability")
                .setRecorded("0.6 (3fe3333333333333)")
                .setReplayed("0.6000000000000001 (3fe3333333333334)")
                .build());
    assertThat(two.getFieldsList())
        .extracting(ReplayedField::getName)
        .contains("outcome", "threshold", "propensity", "model_version", "contributions");
  }

  @Test
  void theGateIsHeldToTheFolderTheRuleAndTheTimesOfThen() {
    GateTimes times =
        GateTimes.newBuilder()
            .setVerificationDuration(Duration.newBuilder().setSeconds(2))
            .setWritingDuration(Duration.newBuilder().setSeconds(8))
            .build();
    ModelVersion other = GATE_MODEL.toBuilder().setVersion("7").build();
    mesh.safety.stageOne =
        answer(GateOutcome.GATE_OUTCOME_REFER, 0.45, 1).toBuilder().setModelVersion(other).build();
    mesh.safety.stageTwo =
        answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1).toBuilder()
            .setFolderSha256("ab".repeat(32))
            .setLogOdds(0.4)
            .setRule(GateRule.GATE_RULE_TIME_SAVED)
            .setTimes(times)
            .setOtherGateVersion(other)
            .setOtherGateFolderSha256("cd".repeat(32))
            .build();

    assertThat(replay(mesh.suggest(PROMPT)).getIdentical()).isTrue();

    DecideDisplayRequest again = mesh.safety.displayRequests.getLast();
    assertThat(again.getReplay().getGateFolderSha256()).isEqualTo("ab".repeat(32));
    assertThat(again.getOtherGateVersion()).isEqualTo(other);
    assertThat(again.getReplay().getOtherGateFolderSha256()).isEqualTo("cd".repeat(32));
    assertThat(again.getReplay().getRule()).isEqualTo(GateRule.GATE_RULE_TIME_SAVED);
    assertThat(again.getReplay().getTimes()).isEqualTo(times);
  }

  @Test
  void explanationsThatWereNotGivenThenAreNoDifference() {
    GateStageAnswer before = answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1);
    mesh.safety.stageTwo = before;
    SuggestResponse decided = mesh.suggest(PROMPT);
    mesh.safety.stageTwo =
        before.toBuilder()
            .addContributions(Contribution.newBuilder().setFeature("length").setLogOdds(0.25))
            .setBaseLogOdds(-0.1)
            .setOtherLogOdds(0.3)
            .build();

    assertThat(replay(decided).getIdentical()).isTrue();
    mesh.safety.stageTwo = before.toBuilder().addMissingInputs("length").build();
    assertThat(replay(decided).getIdentical()).isFalse();
  }

  @Test
  void aDecisionOfBeforeIsComparedByWhatWasRecordedThen() {
    GateStageAnswer before =
        answer(GateOutcome.GATE_OUTCOME_PASS, 0.6, 1).toBuilder()
            .setFolderSha256("ab".repeat(32))
            .setRule(GateRule.GATE_RULE_LINES)
            .setGuarantee(GateGuarantee.newBuilder().setTargetAccuracy(0.9).setHiddenCount(40))
            .build();
    mesh.safety.stageTwo = before;
    SuggestResponse decided = mesh.suggest(PROMPT);
    GateStageAnswer now =
        before.toBuilder()
            .setLogOdds(0.4)
            .setExplorationSeed(7)
            .setOtherGateVersion(GATE_MODEL)
            .setOtherGateFolderSha256("cd".repeat(32))
            .setGuarantee(
                before.getGuarantee().toBuilder()
                    .setUnit(GuaranteeUnit.GUARANTEE_UNIT_GROUP)
                    .setUnitsCount(30))
            .build();
    mesh.safety.stageTwo = now;

    assertThat(replay(decided).getIdentical()).isTrue();
    mesh.safety.stageTwo =
        now.toBuilder().setGuarantee(now.getGuarantee().toBuilder().setHiddenCount(41)).build();
    assertThat(replay(decided).getIdentical()).isFalse();
  }

  @Test
  void whatWasNotGeneratedHasOneStage() {
    mesh.safety.stageOne = answer(GateOutcome.GATE_OUTCOME_WITHHOLD, 0.05, 1);

    assertThat(replay(mesh.suggest(PROMPT)).getStagesList())
        .extracting(ReplayedStage::getStage)
        .containsExactly(1);
  }

  @Test
  void whereNoGateAnsweredThereIsNothingToReplay() {
    SuggestResponse off =
        mesh.policy().suggest(request().setGateMode(GateMode.GATE_MODE_OFF).build());

    assertFails(
        () -> replay(off),
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "suggestion %s: no gate answered, so there is nothing to replay"
            .formatted(off.getSuggestionId()));
  }

  @Test
  void aSafetyServerThatIsAwayIsNamed() {
    SuggestResponse decided = mesh.suggest(PROMPT);
    mesh.safety.down = true;

    assertFails(
        () -> replay(decided),
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the safety-server could not replay the decision: UNAVAILABLE");
  }

  @Test
  void aSuggestionOfAnotherTenantDoesNotExist() {
    String foreign = mesh.suggest(PROMPT).getSuggestionId();

    assertFails(
        () -> replay("two", foreign),
        Status.Code.NOT_FOUND,
        Fault.UNKNOWN_RESOURCE,
        "no suggestion " + foreign);
  }

  private ReplayDecisionResponse replay(SuggestResponse decided) {
    return replay("", decided.getSuggestionId());
  }

  private ReplayDecisionResponse replay(String tenant, String suggestion) {
    return mesh.feedback()
        .replayDecision(
            ReplayDecisionRequest.newBuilder()
                .setMetadata(TestMesh.metadata(tenant, ""))
                .setSuggestionId(suggestion)
                .build());
  }
}
