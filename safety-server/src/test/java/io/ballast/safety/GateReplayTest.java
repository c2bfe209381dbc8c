package io.ballast.safety;

import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateReplay;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import io.grpc.Status;
import java.io.IOException;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A decision can be taken again from its record alone, by the same model. */
class GateReplayTest extends GateCase {
  @Test
  void aDecisionIsTakenAgainByTheVersionThatTookIt() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLength);
    GateStageAnswer then;
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      then = display(mesh, "y".repeat(12), -0.5f);
    }
    write("2", TinyGates.spec(GateStage.SUGGESTION, 0.9, 0, 0.5), byLogProb);
    try (TestSafety mesh = TestSafety.start(root, Map.of("suggestion-gate-version", "2"))) {
      GateStageAnswer now = display(mesh, "y".repeat(12), -0.5f);
      GateStageAnswer again = pinned(mesh, "y".repeat(12), then.getModelVersion());

      assertThat(now.getModelVersion().getVersion()).isEqualTo("2");
      assertThat(again.getContributionsList()).isNotEmpty();
      assertThat(
              again.toBuilder().clearContributions().clearBaseLogOdds().clearOtherLogOdds().build())
          .isEqualTo(then);
      assertThat(Double.doubleToRawLongBits(again.getAcceptProbability()))
          .isEqualTo(Double.doubleToRawLongBits(then.getAcceptProbability()));
      assertThat(again.getFolderSha256()).hasSize(64).isNotEqualTo(now.getFolderSha256());
      assertRefused(
          () -> pinned(mesh, "y", version("1", "0".repeat(64))),
          Status.Code.FAILED_PRECONDITION,
          "gate model 'java-gate-suggestion', version '1': weights "
              + then.getModelVersion().getWeightsSha256()
              + " (expected: 0000");
      assertRefused(
          () -> pinned(mesh, "y", version("3", "")),
          Status.Code.NOT_FOUND,
          "gate model 'java-gate-suggestion', version '3': in none of the model folders");
      assertRefused(
          () -> pinned(mesh, "y", ModelVersion.newBuilder().setVersion("1").build()),
          Status.Code.INVALID_ARGUMENT,
          "gate_version: model '', version '1' (expected: both)");
    }
  }

  @Test
  void linesThatChangedBesideTheSameTreesAreNotTheGateThatDecided() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLength);
    GateStageAnswer then;
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      then = display(mesh, "y", -0.5f);
    }
    write("1", TinyGates.spec(GateStage.SUGGESTION, 0.01, 0, 0), byLength);
    DecideDisplayRequest again =
        question("y", -0.5f).toBuilder()
            .setGateVersion(then.getModelVersion())
            .setReplay(GateReplay.newBuilder().setGateFolderSha256(then.getFolderSha256()))
            .build();
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      String now = display(mesh, "y", -0.5f).getFolderSha256();
      assertRefused(
          () -> mesh.gate().decideDisplay(again),
          Status.Code.FAILED_PRECONDITION,
          "gate model 'java-gate-suggestion', version '1': folder %s (expected: %s)"
              .formatted(now, then.getFolderSha256()));
      assertRefused(
          () -> mesh.gate().decideDisplay(again.toBuilder().clearGateVersion().build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.gate_folder_sha256: without gate_version");
      assertRefused(
          () ->
              mesh.gate()
                  .decideDisplay(
                      again.toBuilder()
                          .setReplay(GateReplay.newBuilder().setGateFolderSha256("AB"))
                          .build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.gate_folder_sha256: 2 characters (expected: 64 lower-case hexadecimal digits)");
    }
  }

  @Test
  void theRecordSaysWhatDrewExploration() throws IOException {
    write("1", TinyGates.spec(GateStage.SUGGESTION, 0.5, 0, 0.5), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      Set<GateOutcome> seen = EnumSet.noneOf(GateOutcome.class);
      for (long seed = 0; seed < 32; seed++) {
        GateStageAnswer then =
            mesh.gate()
                .decideDisplay(question("y", -1f).toBuilder().setExplorationSeed(seed).build())
                .getAnswer();
        GateStageAnswer again =
            mesh.gate()
                .decideDisplay(
                    question("y", -1f).toBuilder()
                        .setExplorationSeed(then.getExplorationSeed())
                        .setGateVersion(then.getModelVersion())
                        .build())
                .getAnswer();
        seen.add(then.getOutcome());

        assertThat(again.getOutcome()).isEqualTo(then.getOutcome());
      }
      assertThat(seen)
          .containsExactlyInAnyOrder(
              GateOutcome.GATE_OUTCOME_EXPLORE, GateOutcome.GATE_OUTCOME_WITHHOLD);
    }
  }

  @Test
  void theTimesOfThenDecideAgainWhateverTheTenantsAreNow() throws IOException {
    write("1", TinyGates.spec(GateStage.SUGGESTION, 1, 0, 0), byLength);
    GateStageAnswer then;
    Map<String, String> times =
        Map.of("utility.acme.verification", "PT2.5S", "utility.acme.writing", "PT8.125S");
    try (TestSafety mesh = TestSafety.start(root, times)) {
      then = of(mesh, "acme", "y".repeat(18));
    }
    assertThat(then.getTimes().getWritingDuration())
        .isEqualTo(Duration.newBuilder().setSeconds(8).setNanos(125_000_000).build());
    DecideDisplayRequest again =
        question("y".repeat(18), -0.5f).toBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("acme"))
            .setGateVersion(then.getModelVersion())
            .setReplay(
                GateReplay.newBuilder()
                    .setRule(GateRule.GATE_RULE_TIME_SAVED)
                    .setTimes(then.getTimes()))
            .build();
    try (TestSafety mesh =
        TestSafety.start(
            root, Map.of("utility.acme.writing", "PT9S", "utility.acme.verification", "PT8S"))) {
      assertThat(of(mesh, "acme", "y".repeat(18)).getThreshold()).isNotEqualTo(then.getThreshold());
      assertThat(
              mesh.gate().decideDisplay(again).getAnswer().toBuilder()
                  .clearContributions()
                  .clearBaseLogOdds()
                  .clearOtherLogOdds()
                  .build())
          .isEqualTo(then);
      assertThat(
              mesh.gate()
                  .decideDisplay(
                      again.toBuilder()
                          .setReplay(GateReplay.newBuilder().setRule(GateRule.GATE_RULE_LINES))
                          .build())
                  .getAnswer()
                  .getThreshold())
          .isEqualTo(1);
      assertRefused(
          () ->
              mesh.gate()
                  .decideDisplay(
                      again.toBuilder()
                          .setReplay(again.getReplay().toBuilder().clearTimes())
                          .build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.times: absent (expected: the times to decide by, with the rule GATE_RULE_TIME_SAVED)");
      assertRefused(
          () ->
              mesh.gate()
                  .decideDisplay(
                      again.toBuilder()
                          .setReplay(again.getReplay().toBuilder().clearRule())
                          .build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.times: given (expected: none with the rule GATE_RULE_UNSPECIFIED)");
      assertRefused(
          () -> mesh.gate().decideDisplay(again.toBuilder().clearGateVersion().build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.rule: GATE_RULE_TIME_SAVED without gate_version");
      assertRefused(
          () ->
              mesh.gate()
                  .decideDisplay(
                      again.toBuilder()
                          .setReplay(
                              again.getReplay().toBuilder()
                                  .setTimes(
                                      then.getTimes().toBuilder()
                                          .setWaitingDuration(
                                              Duration.newBuilder().setSeconds(-1))))
                          .build()),
          Status.Code.INVALID_ARGUMENT,
          "replay.times.waiting_duration: -1 s, 0 ns (expected: 0 to a day)");
    }
  }

  @Test
  void manyVersionsAreReplayedOneAfterTheOther() throws IOException {
    for (int version = 1; version <= 12; version++) {
      write(
          Integer.toString(version),
          TinyGates.spec(GateStage.SUGGESTION, version / 100.0, 0, 0),
          byLength);
    }
    try (TestSafety mesh = TestSafety.start(root, Map.of("suggestion-gate-version", "12"))) {
      for (int round = 0; round < 2; round++) {
        for (int version = 1; version <= 12; version++) {
          assertThat(pinned(mesh, "y", version(Integer.toString(version), "")).getThreshold())
              .isEqualTo(version / 100.0);
        }
      }
    }
  }

  @Test
  void anotherVersionOfTheFeaturesIsRefused() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertThat(display(mesh, "y", -1f).getFeatureVersion()).isEqualTo(1);
      assertRefused(
          () ->
              mesh.gate()
                  .decideDisplay(question("y", -1f).toBuilder().setFeatureVersion(2).build()),
          Status.Code.FAILED_PRECONDITION,
          "feature_version: 2 (expected: 1, which gate model 'java-gate-suggestion', version '1',"
              + " sees)");
    }
  }
}
