package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.inference.store.ModelManifest;
import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.Evaluation;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import java.io.IOException;
import java.nio.file.Files;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Runs that are evaluated on held-out prompts, on a real learner and a real database. */
class EvaluatedRunTest extends RunServiceCase {
  private static final String EVALUATION =
      "evaluation: {prompts: {inline: [\"held a\", \"held b\"]}, every: 2, completions: 2}\n";

  private static String spec(String name, String more) {
    return TestSpecs.spec(name, EVALUATION + more).replace("iterations: 3", "iterations: 6");
  }

  @Test
  void theWeightsThatAnIterationLeavesAreScoredOnTheirOwnPrompts() {
    String runId = mesh.create(spec("evaluated", "")).getRunId();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    assertThat(iterations.stream().map(IterationMetrics::hasEvaluation))
        .containsExactly(true, false, true, false, true, true);
    List<SampleRequest> sampled =
        mesh.policy.samples.stream()
            .filter(each -> each.getPrompts(0).getText().startsWith("held"))
            .toList();
    assertThat(sampled)
        .extracting(each -> each.getPolicy().getVersion())
        .containsExactly(runId + "-2", runId + "-4", runId + "-6", runId + "-7");
    assertThat(sampled.stream().map(each -> each.getSampling().getSeed()).distinct()).hasSize(1);
    Evaluation first = iterations.getFirst().getEvaluation();
    ScoreRequest scored =
        mesh.rewards.calls.stream()
            .filter(each -> each.getItems(0).getPrompt().getText().startsWith("held"))
            .findFirst()
            .orElseThrow();
    assertThat(first.getMeanReward())
        .isCloseTo(
            scored.getItemsList().stream()
                .mapToDouble(item -> FakeWorld.reward(item.getCompletion().getText()))
                .average()
                .orElseThrow(),
            within(1e-12));
    assertThat(first.getLow()).isLessThanOrEqualTo(first.getMeanReward());
    assertThat(first.getHigh()).isGreaterThanOrEqualTo(first.getMeanReward());
    assertThat(first.getN()).isEqualTo(2);
    assertThat(first.getScoredCount()).isEqualTo(4);
    assertThat(run.getCandidateIteration()).isEqualTo(6);
    assertThat(run.getCandidateReason()).isEmpty();
  }

  @Test
  void theBestIsTestedAndItsFolderSaysWhy() throws IOException {
    String runId = mesh.create(spec("best", "candidate: BEST\n")).getRunId();
    Run run = mesh.awaitEnd(runId);

    IterationMetrics best =
        mesh.get(runId).getIterationsList().stream()
            .filter(IterationMetrics::hasEvaluation)
            .max(
                Comparator.comparingDouble(
                        (IterationMetrics each) -> each.getEvaluation().getMeanReward())
                    .thenComparing(IterationMetrics::getIteration, Comparator.reverseOrder()))
            .orElseThrow();
    assertThat(run.getCandidateIteration()).isEqualTo(best.getIteration());
    assertThat(run.getCandidateReason()).startsWith("the best of 4 evaluations, ");
    assertThat(run.getConstraintTestsCount()).isEqualTo(1);
    assertThat(mesh.safety.test(runId).getSpec().getPromptsList())
        .containsExactly("long x", "long y", "long z");
    try (var folders =
        Files.find(
            root, 8, (path, file) -> path.endsWith(run.getCandidateVersion().getVersion()))) {
      assertThat(ModelManifest.read(folders.findFirst().orElseThrow()).orElseThrow().notes())
          .containsEntry("iteration", Integer.toString(best.getIteration()))
          .containsEntry("chosen_as", run.getCandidateReason());
    }
  }

  @Test
  void promptsOfTheEvaluationAreNeverTrainedOnNorTested() {
    malformed(
        spec("trained", "").replace("held b", "int c"),
        "prompts.inline[2]: is also a prompt of the evaluation (expected: prompts that were never");
    malformed(
        spec("tested", "").replace("held b", "long y"),
        "evaluation.prompts[1]: is also a prompt of the safety test");
    malformed(
        spec("twice", "").replace("held b", "held a"), "evaluation.prompts[1]: is there twice");
    malformed(
        spec("one", "").replace(", \"held b\"", ""),
        "evaluation.prompts: 1 prompts (expected: 2 to 10,000)");
    malformed(
        spec("same", "").replace("\"held b\"]", "\"held b\"], groups: [A, A]"),
        "evaluation.prompts: 1 group (expected: 2 or more)");
    malformed(
        spec("short", "").replace("\"held b\"]", "\"held b\"], groups: [A]"),
        "evaluation.prompts.groups: 1 (expected: one for each of the 2 prompts, or none)");
  }

  @Test
  void anotherSafetyTestTakesNoPromptOfTheEvaluation() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String runId =
        mesh.create(
                spec("again", "")
                    .replace("  threshold: 0.4\n", "  threshold: 0.4\n  attempts: 2\n"))
            .getRunId();
    mesh.awaitEnd(runId);

    assertThatThrownBy(
            () ->
                mesh.runs()
                    .resumeRun(
                        ResumeRunRequest.newBuilder()
                            .setRunId(runId)
                            .addTestPrompts("long a")
                            .addTestPrompts("held b")
                            .build()))
        .satisfies(
            thrown ->
                refused(
                    thrown, Status.Code.INVALID_ARGUMENT, "test_prompts[1]: is of the evaluation"));
  }

  @Test
  void moreCompletionsThanAnEvaluationMayHaveAreRefused() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 1_025; i++) {
      lines.append("\"held ").append(i).append("\"\n");
    }
    Files.writeString(mesh.prompts("held-out.jsonl"), lines);

    malformed(
        spec("large", "")
            .replace("{inline: [\"held a\", \"held b\"]}", "{file: prompts/held-out.jsonl}")
            .replace("completions: 2", "completions: 64"),
        "evaluation.completions: 64 of each of 1,025 prompts (expected: at most 65,536 together)");
  }

  private void malformed(String spec, String message) {
    assertThatThrownBy(() -> mesh.create(spec))
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, message));
  }
}
