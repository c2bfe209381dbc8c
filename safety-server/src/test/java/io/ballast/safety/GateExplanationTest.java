package io.ballast.safety;

import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.Duration;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateHistory;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import io.ballast.safety.v1.PastOutcome;
import io.ballast.safety.v1.PastOutcomeKind;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A decision says what it rests on, what it lacked, and can be taken again by the same model. */
class GateExplanationTest {
  private static byte[] byLine = new byte[0];
  private static byte[] byLength = new byte[0];
  private static byte[] byLogProb = new byte[0];
  private static byte[] byShare = new byte[0];

  @TempDir Path root;

  @BeforeAll
  static void train() {
    byLine = TinyGates.trees(GateStage.CONTEXT, "line_characters", 10);
    byLength = TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10);
    byLogProb = TinyGates.trees(GateStage.SUGGESTION, "log_prob_sum", -5);
    byShare =
        TinyGates.trees(FeatureSet.TEXT_AND_HISTORY, GateStage.CONTEXT, "accepted_share", 0.5);
  }

  @Test
  void theStrongestFeaturesAreNamedWithWhatTheyWere() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of("gate-explains", "true"))) {
      List<Contribution> shown = display(mesh, "y".repeat(18), -0.5f).getContributionsList();
      List<Contribution> hidden = display(mesh, "y", -0.5f).getContributionsList();

      assertThat(shown).hasSizeBetween(1, 5);
      assertThat(shown.getFirst().getFeature()).isEqualTo("suggestion_characters");
      assertThat(shown.getFirst().getValue()).isEqualTo(18);
      assertThat(shown.getFirst().getLogOdds()).isGreaterThan(1);
      assertThat(hidden.getFirst().getLogOdds()).isLessThan(-1);
      assertThat(shown)
          .isSortedAccordingTo(Comparator.comparingDouble(each -> -Math.abs(each.getLogOdds())));
    }
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertThat(display(mesh, "y", -0.5f).getContributionsList()).isEmpty();
      assertThat(pinned(mesh, "y", version("1", "")).getContributionsList()).isNotEmpty();
    }
  }

  @Test
  void logProbsThatTheModelAsksForAndDoesNotGetAreFlaggedAndNothingIsHidden() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLogProb);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertThat(display(mesh, "y", -9f).getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);

      GateStageAnswer absent = display(mesh, "y");
      GateStageAnswer broken = display(mesh, "y", -1f, Float.NEGATIVE_INFINITY);
      GateStageAnswer positive = display(mesh, "y", 0.5f);

      assertThat(absent.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(absent.getFlagsList()).containsExactly(GateFlag.GATE_FLAG_INPUT_MISSING);
      assertThat(absent.getMissingInputsList()).contains("log_prob_sum");
      assertThat(absent.getPropensity()).isEqualTo(1);
      for (GateStageAnswer answer : List.of(broken, positive)) {
        assertThat(answer.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
        assertThat(answer.getFlagsList())
            .containsExactly(GateFlag.GATE_FLAG_INPUT_MISSING, GateFlag.GATE_FLAG_INPUT_NOT_FINITE);
      }
    }
  }

  @Test
  void aNumberThatNoTreeAsksForIsNotMissed() throws IOException {
    write("1", spec(GateStage.SUGGESTION), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer answer = display(mesh, "y", Float.NaN);

      assertThat(answer.getMissingInputsList()).doesNotContain("suggestion_characters");
      assertThat(answer.getFlagsList()).contains(GateFlag.GATE_FLAG_INPUT_NOT_FINITE);
    }
  }

  @Test
  void whatWasMissingInTrainingMayBeMissing() throws IOException {
    Set<String> ofLogProbs =
        Set.copyOf(
            FeatureSet.TEXT.names(GateStage.SUGGESTION).stream()
                .filter(name -> name.matches("log_prob_.*|suggestion_tokens|unlikely_tokens"))
                .toList());
    write("1", spec(GateStage.SUGGESTION).on(FeatureSet.TEXT, ofLogProbs), byLogProb);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer answer = display(mesh, "y");

      assertThat(answer.getFlagsList()).isEmpty();
      assertThat(answer.getMissingInputsList()).isEmpty();
    }
  }

  @Test
  void thePastDecidesAndWhereItIsNotKnownNothingIsHidden() throws IOException {
    write("1", spec(GateStage.CONTEXT).on(FeatureSet.TEXT_AND_HISTORY, Set.of()), byShare);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer often = generation(mesh, Optional.of(history(18, 20)));
      GateStageAnswer rarely = generation(mesh, Optional.of(history(1, 20)));
      GateStageAnswer unknown = generation(mesh, Optional.empty());
      GateStageAnswer impossible = generation(mesh, Optional.of(history(21, 20)));

      assertThat(often.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(often.getFeatureVersion()).isEqualTo(2);
      assertThat(rarely.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
      assertThat(rarely.getFlagsList()).isEmpty();
      assertThat(unknown.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_REFER);
      assertThat(unknown.getSkipsStageTwo()).isFalse();
      assertThat(unknown.getMissingInputsList()).contains("accepted_share");
      assertThat(impossible.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_REFER);
      assertThat(impossible.getFlagsList())
          .containsExactly(GateFlag.GATE_FLAG_INPUT_MISSING, GateFlag.GATE_FLAG_INPUT_NOT_FINITE);
    }
  }

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
      assertThat(again.toBuilder().clearContributions().build()).isEqualTo(then);
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

  @Test
  void whatWasProvenHoldsOfStagesThatWereMadeTogetherAlone() throws IOException {
    Optional<GateGuarantee> proven = Optional.of(new GateGuarantee(0.95, 0.1, 120, 2, 0.0575));
    String pair = "ab".repeat(32);
    write("1", spec(GateStage.CONTEXT).read(true, proven).paired(pair), byLine);
    write("1", spec(GateStage.SUGGESTION).read(true, proven).paired(pair), byLength);
    write("2", spec(GateStage.SUGGESTION).read(true, proven).paired("cd".repeat(32)), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer kept = generation(mesh, Optional.empty());

      assertThat(kept.getFlagsList()).isEmpty();
      assertThat(kept.getGuarantee().getTargetAccuracy()).isEqualTo(0.95);
      assertThat(kept.getGuarantee().getHiddenCount()).isEqualTo(120);
      assertThat(display(mesh, "y", -1f).getGuarantee()).isEqualTo(kept.getGuarantee());
    }
    try (TestSafety mesh = TestSafety.start(root, Map.of("suggestion-gate-version", "2"))) {
      GateStageAnswer one = generation(mesh, Optional.empty());
      GateStageAnswer two = display(mesh, "y", -1f);
      GateStageAnswer replayed =
          mesh.gate()
              .decideGeneration(
                  DecideGenerationRequest.newBuilder()
                      .setPrompt("x")
                      .setOtherGateVersion(version("1", ""))
                      .build())
              .getAnswer();

      for (GateStageAnswer answer : List.of(one, two)) {
        assertThat(answer.hasGuarantee()).isFalse();
        assertThat(answer.getFlagsList()).containsExactly(GateFlag.GATE_FLAG_GUARANTEE_LOST);
      }
      assertThat(replayed.hasGuarantee()).isTrue();
    }
    try (TestSafety mesh = TestSafety.start(root, Map.of("suggestion-gate-version", "9"))) {
      assertThat(generation(mesh, Optional.empty()).getFlagsList())
          .containsExactly(GateFlag.GATE_FLAG_GUARANTEE_LOST);
    }
  }

  @Test
  void aTenantsTimesSayWhatIsShownInPlaceOfTheLines() throws IOException {
    Optional<GateGuarantee> proven = Optional.of(new GateGuarantee(0.95, 0.1, 120, 2, 0.0575));
    String pair = "ab".repeat(32);
    // the lines hide everything; the tree says .1 or .9 or so
    write("1", TinyGates.spec(GateStage.CONTEXT, 1, 1, 0).read(true, proven).paired(pair), byLine);
    write(
        "1",
        TinyGates.spec(GateStage.SUGGESTION, 1, 0, 0).read(true, proven).paired(pair),
        byLength);
    Map<String, String> times =
        Map.of(
            "utility.acme.verification", "PT2S",
            "utility.acme.waiting", "PT1S",
            "utility.acme.writing", "PT8S",
            "utility.acme.editing", "PT2S",
            "utility.slow.verification", "PT2S",
            "utility.slow.writing", "PT1S",
            "utility.slow.editing", "PT2S");
    try (TestSafety mesh = TestSafety.start(root, times)) {
      assertThat(of(mesh, "default", "y".repeat(18)).getOutcome())
          .isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
      GateStageAnswer shown = of(mesh, "acme", "y".repeat(18));
      GateStageAnswer hidden = of(mesh, "acme", "y");

      // p* = (2 + 1)/(8 - 2)
      assertThat(shown.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(shown.getThreshold()).isEqualTo(Math.nextUp(0.5));
      assertThat(shown.getRule()).isEqualTo(GateRule.GATE_RULE_TIME_SAVED);
      assertThat(shown.hasGuarantee()).isFalse();
      assertThat(shown.getFlagsList()).isEmpty();
      assertThat(hidden.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
      GateStageAnswer slow = of(mesh, "slow", "y");
      assertThat(slow.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(slow.getFlagsList()).containsExactly(GateFlag.GATE_FLAG_NOTHING_SAVED);
      assertThat(
              mesh.gate()
                  .decideGeneration(
                      DecideGenerationRequest.newBuilder()
                          .setPrompt("x")
                          .setMetadata(RequestMetadata.newBuilder().setTenant("acme"))
                          .build())
                  .getAnswer()
                  .getOutcome())
          .isEqualTo(GateOutcome.GATE_OUTCOME_REFER);
    }
  }

  private static GateStageAnswer of(TestSafety mesh, String tenant, String suggestion) {
    return mesh.gate()
        .decideDisplay(
            question(suggestion, -0.5f).toBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant(tenant))
                .build())
        .getAnswer();
  }

  private void write(String version, GateSpec spec, byte[] trees) throws IOException {
    String name = spec.stage() == GateStage.CONTEXT ? "java-gate-context" : "java-gate-suggestion";
    var unused = TinyGates.write(root, name, version, spec, trees);
  }

  private static GateSpec spec(GateStage stage) {
    return TinyGates.spec(stage, 0.5, stage == GateStage.CONTEXT ? 0.99 : 0, 0);
  }

  private static ModelVersion version(String version, String sha) {
    return ModelVersion.newBuilder()
        .setModel("java-gate-suggestion")
        .setVersion(version)
        .setWeightsSha256(sha)
        .build();
  }

  private static GateHistory history(int accepted, int answered) {
    return GateHistory.newBuilder()
        .addOutcomes(
            PastOutcome.newBuilder()
                .setKind(PastOutcomeKind.PAST_OUTCOME_KIND_REJECTED)
                .setAge(Duration.newBuilder().setSeconds(3)))
        .setAcceptedCount(accepted)
        .setAnsweredCount(answered)
        .build();
  }

  private static GateStageAnswer generation(TestSafety mesh, Optional<GateHistory> history) {
    DecideGenerationRequest.Builder request = DecideGenerationRequest.newBuilder().setPrompt("x");
    history.ifPresent(request::setHistory);
    return mesh.gate().decideGeneration(request.build()).getAnswer();
  }

  private static GateStageAnswer display(TestSafety mesh, String suggestion, float... logProbs) {
    return mesh.gate().decideDisplay(question(suggestion, logProbs)).getAnswer();
  }

  private static GateStageAnswer pinned(TestSafety mesh, String suggestion, ModelVersion version) {
    return mesh.gate()
        .decideDisplay(question(suggestion, -0.5f).toBuilder().setGateVersion(version).build())
        .getAnswer();
  }

  private static DecideDisplayRequest question(String suggestion, float... logProbs) {
    DecideDisplayRequest.Builder request =
        DecideDisplayRequest.newBuilder().setPrompt("x").setSuggestion(suggestion);
    for (float logProb : logProbs) {
      request.addLogProbs(logProb);
    }
    return request.build();
  }
}
