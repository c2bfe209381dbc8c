package io.ballast.safety;

import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.safety.adapter.GateModelFolder;
import io.ballast.safety.core.gate.GateSpec;
import io.ballast.safety.core.gate.GateStage;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.testing.TinyGates;
import io.ballast.safety.v1.DecideDisplayRequest;
import io.ballast.safety.v1.DecideGenerationRequest;
import io.ballast.safety.v1.GateOutcome;
import io.ballast.safety.v1.GateStageAnswer;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Both stages decide by real trees, explain themselves, and explore by the caller's seed. */
class DisplayGateTest {
  private static final String LONG_LINE = "x".repeat(18);
  private static byte[] byLine = new byte[0];
  private static byte[] byLength = new byte[0];

  @TempDir Path root;

  @BeforeAll
  static void train() {
    byLine = TinyGates.trees(GateStage.CONTEXT, "line_characters", 10);
    byLength = TinyGates.trees(GateStage.SUGGESTION, "suggestion_characters", 10);
  }

  @Test
  void stageOnePassesWithholdsAndRefers() throws IOException {
    writeContext(0.5, 0.99, 0);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer pass = generation(mesh, LONG_LINE, 1);
      GateStageAnswer withhold = generation(mesh, "x", 1);

      assertThat(pass.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(pass.getAcceptProbability()).isGreaterThan(0.9);
      assertThat(pass.getThreshold()).isEqualTo(0.5);
      assertThat(pass.getReferEntropy()).isEqualTo(0.99);
      assertThat(pass.getPropensity()).isEqualTo(1);
      assertThat(pass.getModelVersion().getModel()).isEqualTo("java-gate-context");
      assertThat(pass.getModelVersion().getWeightsSha256()).hasSize(64);
      assertThat(withhold.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
      double p = withhold.getAcceptProbability();
      double entropy = -(p * Math.log(p) + (1 - p) * Math.log(1 - p)) / Math.log(2);
      assertThat(withhold.getEntropyBits()).isCloseTo(entropy, within(1e-9));
    }
  }

  @Test
  void whetherStageTwoJudgesWhatStageOnePassesIsSaidAsFitted() throws IOException {
    for (boolean secondLook : new boolean[] {true, false}) {
      GateSpec spec =
          TinyGates.spec(GateStage.CONTEXT, 0.5, 0.99, 1).read(secondLook, Optional.empty());
      var unused = TinyGates.write(root, "java-gate-context", "1", spec, byLine);
      try (TestSafety mesh = TestSafety.start(root, Map.of())) {
        GateStageAnswer pass = generation(mesh, LONG_LINE, 1);
        GateStageAnswer explored = generation(mesh, "x", 1);

        assertThat(pass.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
        assertThat(pass.getSkipsStageTwo()).isEqualTo(!secondLook);
        assertThat(explored.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_EXPLORE);
        assertThat(explored.getSkipsStageTwo()).isTrue();
      }
    }
    writeContext(0.5, 0, 0);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertThat(generation(mesh, LONG_LINE, 1).getSkipsStageTwo()).as("referred").isFalse();
    }
  }

  @Test
  void stageOneRefersWhereItIsNotSure() throws IOException {
    writeContext(0.5, 0, 0); // 0 refers always
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertThat(generation(mesh, "x", 1).getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_REFER);
    }
  }

  @Test
  void stageTwoSeesTheSuggestion() throws IOException {
    writeSuggestion(0.5, 0);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      GateStageAnswer shown = display(mesh, "x", "y".repeat(18), 1);
      GateStageAnswer hidden = display(mesh, LONG_LINE, "y", 1);

      assertThat(shown.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
      assertThat(shown.getReferEntropy()).isZero();
      assertThat(shown.getModelVersion().getModel()).isEqualTo("java-gate-suggestion");
      assertThat(hidden.getOutcome()).isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
    }
  }

  @Test
  void explorationFollowsTheSeedAndItsShare() throws IOException {
    writeContext(0.5, 1, 0.25);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      int explored = 0;
      int seeds = 400;
      for (int seed = 0; seed < seeds; seed++) {
        GateStageAnswer answer = generation(mesh, "x", seed);
        boolean explores = answer.getOutcome() == GateOutcome.GATE_OUTCOME_EXPLORE;
        explored += explores ? 1 : 0;
        assertThat(answer.getPropensity()).isEqualTo(explores ? 0.25 : 0.75);
        assertThat(generation(mesh, "x", seed)).isEqualTo(answer);
      }
      // 400 draws at 0.25: standard deviation 8.7; four of them around 100
      assertThat(explored).isBetween(65, 135);
    }
  }

  @Test
  void withoutAModelTheServerStartsAndSaysSo() {
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertRefused(
          () -> generation(mesh, "x", 1),
          Status.Code.NOT_FOUND,
          "gate model 'java-gate-context', version '1': in none of the model folders");
      assertRefused(
          () -> display(mesh, "x", "y", 1),
          Status.Code.NOT_FOUND,
          "gate model 'java-gate-suggestion', version '1'");
    }
  }

  @Test
  void aModelThatComesLaterDecides() throws IOException {
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      writeContext(0.5, 0.99, 0);

      assertThat(generation(mesh, LONG_LINE, 1).getOutcome())
          .isEqualTo(GateOutcome.GATE_OUTCOME_PASS);
    }
  }

  @Test
  void aCorruptModelIsReportedAndTheOtherStageServes() throws IOException {
    Path folder = writeContext(0.5, 0.99, 0);
    writeSuggestion(0.5, 0);
    Files.writeString(folder.resolve(GateModelFolder.TREES), "not trees");
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertRefused(() -> generation(mesh, "x", 1), Status.Code.DATA_LOSS, "trees.ubj: SHA-256");
      assertThat(display(mesh, "x", "y", 1).getOutcome())
          .isEqualTo(GateOutcome.GATE_OUTCOME_WITHHOLD);
    }
  }

  @Test
  void aModelOfTheOtherStageIsRefused() throws IOException {
    var unused =
        TinyGates.write(
            root,
            "java-gate-suggestion",
            "1",
            TinyGates.spec(GateStage.CONTEXT, 0.5, 0.9, 0),
            byLine);
    try (TestSafety mesh = TestSafety.start(root, Map.of())) {
      assertRefused(
          () -> display(mesh, "x", "y", 1),
          Status.Code.NOT_FOUND,
          "stage CONTEXT (expected: SUGGESTION)");
    }
  }

  @Test
  void wrongRequestsAreNamed() throws IOException {
    writeContext(0.5, 0.99, 0);
    writeSuggestion(0.5, 0);
    try (TestSafety mesh = TestSafety.start(root, Map.of("max-text-bytes", "100"))) {
      assertRefused(() -> generation(mesh, "", 1), Status.Code.INVALID_ARGUMENT, "prompt: empty");
      assertRefused(
          () -> generation(mesh, "é".repeat(51), 1),
          Status.Code.INVALID_ARGUMENT,
          "prompt: 102 bytes, limit 100");
      assertRefused(
          () -> display(mesh, "x", "", 1), Status.Code.INVALID_ARGUMENT, "suggestion: empty");
      assertRefused(
          () ->
              mesh.gate()
                  .decideGeneration(
                      DecideGenerationRequest.newBuilder()
                          .setPrompt("x")
                          .setUser("u".repeat(129))
                          .build()),
          Status.Code.INVALID_ARGUMENT,
          "user: 129 characters");
    }
  }

  private Path writeContext(double threshold, double refer, double explore) throws IOException {
    return TinyGates.write(
        root,
        "java-gate-context",
        "1",
        TinyGates.spec(GateStage.CONTEXT, threshold, refer, explore),
        byLine);
  }

  private void writeSuggestion(double threshold, double explore) throws IOException {
    var unused =
        TinyGates.write(
            root,
            "java-gate-suggestion",
            "1",
            TinyGates.spec(GateStage.SUGGESTION, threshold, 0, explore),
            byLength);
  }

  private static GateStageAnswer generation(TestSafety mesh, String prompt, long seed) {
    return mesh.gate()
        .decideGeneration(
            DecideGenerationRequest.newBuilder().setPrompt(prompt).setExplorationSeed(seed).build())
        .getAnswer();
  }

  private static GateStageAnswer display(
      TestSafety mesh, String prompt, String suggestion, long seed) {
    return mesh.gate()
        .decideDisplay(
            DecideDisplayRequest.newBuilder()
                .setPrompt(prompt)
                .setSuggestion(suggestion)
                .addLogProbs(-0.5f)
                .setExplorationSeed(seed)
                .build())
        .getAnswer();
  }
}
