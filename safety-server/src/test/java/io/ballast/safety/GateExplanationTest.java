package io.ballast.safety;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.trees.XgboostTrees;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.rl.gate.GateGuarantee;
import io.ballast.safety.core.gate.FeatureSet;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.Contribution;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateFlag;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateRule;
import io.ballast.safety.v1.GateStageAnswer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A decision says what it rests on and what it lacked. */
class GateExplanationTest extends GateCase {
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
  void whatIsToldOfTheFeaturesAddsUpToTheTreesLogOdds() throws IOException {
    write("1", spec(GateStage.SUGGESTION), served("java-gate-suggestion"));
    try (TestSafety mesh = TestSafety.start(root, Map.of("gate-explains", "true"))) {
      for (int length : List.of(1, 7, 30, 120)) {
        GateStageAnswer answer = display(mesh, "y(z) ".repeat(length), -0.5f, -1.25f);
        double told =
            answer.getContributionsList().stream().mapToDouble(Contribution::getLogOdds).sum();

        assertThat(answer.getContributionsCount()).isEqualTo(5);
        assertThat(answer.getOtherLogOdds()).isNotZero();
        assertThat(answer.getBaseLogOdds() + told + answer.getOtherLogOdds())
            .isCloseTo(answer.getLogOdds(), within(1e-4));
      }
    }
  }

  @Test
  void whatWasProvenHoldsOfStagesThatWereMadeTogetherAlone() throws IOException {
    Optional<GateGuarantee> proven =
        Optional.of(new GateGuarantee(0.95, 0.1, GateGuarantee.Unit.GROUP, 80, 120, 2, 0.0575));
    String pair = "ab".repeat(32);
    write("1", spec(GateStage.CONTEXT).read(true, proven).paired(pair), byLine);
    write("1", spec(GateStage.SUGGESTION).read(true, proven).paired(pair), byLength);
    write("2", spec(GateStage.SUGGESTION).read(true, proven).paired("cd".repeat(32)), byLength);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer kept = generation(mesh, Optional.empty());

      assertThat(kept.getFlagsList()).isEmpty();
      assertThat(kept.getGuarantee().getTargetAccuracy()).isEqualTo(0.95);
      assertThat(kept.getGuarantee().getHiddenCount()).isEqualTo(120);
      assertThat(kept.getOtherGateVersion().getModel()).isEqualTo("java-gate-suggestion");
      assertThat(kept.getOtherGateFolderSha256()).hasSize(64);
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
    Optional<GateGuarantee> proven =
        Optional.of(new GateGuarantee(0.95, 0.1, GateGuarantee.Unit.GROUP, 80, 120, 2, 0.0575));
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

  /** The trees of a gate that is served. */
  private static byte[] served(String name) throws IOException {
    return Files.readAllBytes(Path.of("..", "models", name, "1", XgboostTrees.FILE));
  }
}
