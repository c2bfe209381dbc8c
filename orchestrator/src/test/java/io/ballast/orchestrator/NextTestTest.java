package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.adapter.GrpcLookCheck;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.NextTest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A run that has learned is never lost to its safety test, unless δ is. */
class NextTestTest extends RunServiceCase {
  @Test
  void promptsThatAnotherRunUsedMeanwhileAreReplaced() {
    String runId =
        createdMeanwhile(
            TestSpecs.spec("first", "promotion: NEVER"), other("second", "threshold: 0.4"));

    Run failed = mesh.awaitEnd(runId);

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getMessage()).contains("spec.prompts: 3 of 3 were used before");
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_TAKES_PROMPTS);
    assertThat(failed.hasSafetyTest()).as("nothing was started").isFalse();
    assertThatThrownBy(() -> resume(runId, "long v", "int a"))
        .satisfies(
            thrown ->
                refused(thrown, Status.Code.INVALID_ARGUMENT, "test_prompts[1]: was trained on"));

    resume(runId);
    assertThat(mesh.awaitEnd(runId).getNextTest())
        .as("the same again is refused again")
        .isEqualTo(NextTest.NEXT_TEST_TAKES_PROMPTS);
    resume(runId, "long z", "long v");
    assertThat(mesh.awaitEnd(runId).getMessage()).contains("1 of 2 were used before");
    resume(runId, "long u", "long v");

    Run promoted = mesh.awaitEnd(runId);
    assertThat(promoted.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(promoted.getNextTest()).isEqualTo(NextTest.NEXT_TEST_UNSPECIFIED);
    assertThat(mesh.safety.test(runId).getSpec().getPromptsList())
        .containsExactly("long u", "long v");
    assertThat(mesh.policy.samples).as("nothing is learned twice").hasSize(6);
  }

  /** Creates a second run before the first one's test has looked at anything. */
  private String createdMeanwhile(String first, String second) {
    mesh.policy.samplePermits.drainPermits();
    String earlier = mesh.create(first).getRunId();
    String runId = mesh.create(second).getRunId();
    mesh.letSample();
    mesh.awaitEnd(earlier);
    return runId;
  }

  @Test
  void promptsThatWereUsedBeforeAreRefusedBeforeAnythingIsLearned() {
    Run first = mesh.awaitEnd(mesh.create(TestSpecs.spec("first", "promotion: NEVER")).getRunId());

    assertThatThrownBy(() -> mesh.create(other("second", "threshold: 0.4")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.FAILED_PRECONDITION,
                    "safety_test.prompts: were used before, in test test-%s (expected: prompts that"
                        .formatted(first.getRunId())));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).hasSize(1);
  }

  @Test
  void aSetOfPromptsHasTheNameThatTheDocumentGivesIt() {
    assertThat(GrpcLookCheck.sha256(List.of("c", "ab")))
        .isEqualTo("601d5476e2ccfe2c87a2bba7a322659734a05749d5b5aa781f513e4912db0d5f");
  }

  @Test
  void aPoolThatIsUsedUpIsReplaced() {
    mesh.awaitEnd(mesh.create(TestSpecs.spec("first", "promotion: NEVER")).getRunId());
    String runId =
        mesh.create(
                other("second", "threshold: 0.4\n  draw_count: 2")
                    .replace("\"long x\"", "\"long w\""))
            .getRunId();

    Run failed = mesh.awaitEnd(runId);
    assertThat(failed.getMessage()).contains("of the 3 prompts of the pool 1 were never used");
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_TAKES_PROMPTS);
    resume(runId, "long w", "long x", "long u");

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.get(runId).getRun().getSafetyTest().getPromptsCount()).isEqualTo(2);
  }

  @Test
  void aSetThatIsClosedIsReplaced() {
    String split = "threshold: 0.4\n  reuse: SPLIT\n  looks: 2";
    String first = TestSpecs.spec("first", "promotion: NEVER").replace("threshold: 0.4", split);
    String runId = createdMeanwhile(first, other("second", split));

    Run failed = mesh.awaitEnd(runId);
    assertThat(failed.getMessage()).contains("spec.prompts: the set is closed");
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_TAKES_PROMPTS);
    resume(runId, "long u", "long v");

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  @Test
  void otherPromptsAreNoHelpWhereDeltaIsSpent() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND;
    mesh.awaitEnd(mesh.create(TestSpecs.spec("first")).getRunId());
    // the same seed: the same weights
    String runId = mesh.create(TestSpecs.testedOnOthers(TestSpecs.spec("second"))).getRunId();

    Run failed = mesh.awaitEnd(runId);

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getMessage()).contains("spec.candidate: looks at these weights had delta");
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_NONE);
    assertThatThrownBy(() -> resume(runId, "long u", "long v"))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.FAILED_PRECONDITION,
                    "no part of its delta is left for another safety test"));
  }

  @Test
  void allAttemptsMayBeSpent() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String runId =
        mesh.create(
                TestSpecs.spec("spent").replace("threshold: 0.4", "threshold: 0.4\n  attempts: 2"))
            .getRunId();
    assertThat(mesh.awaitEnd(runId).getNextTest()).isEqualTo(NextTest.NEXT_TEST_NEEDS_PROMPTS);
    resume(runId, "long u", "long v");

    Run failed = mesh.awaitEnd(runId);

    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_NONE);
    assertThat(failed.getMessage())
        .endsWith(
            "its look at its prompts and its part of delta are used up;"
                + " no part of delta is left for another (safety_test.attempts)");
    for (List<String> prompts : List.of(List.<String>of(), List.of("long s", "long t"))) {
      assertThatThrownBy(() -> resume(runId, prompts.toArray(String[]::new)))
          .satisfies(
              thrown ->
                  refused(
                      thrown,
                      Status.Code.FAILED_PRECONDITION,
                      "no part of its delta is left for another safety test of run"));
    }
  }

  @Test
  void aTestThatFailedHavingJudgedSaysWhatIsUsedUp() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_FAILED;
    mesh.safety.failuresSpend = true;

    Run failed = mesh.awaitEnd(mesh.create(TestSpecs.spec("late")).getRunId());

    assertThat(failed.getMessage())
        .isEqualTo(
            "the safety test failed: the candidate could not be sampled;"
                + " its look at its prompts and its part of delta are used up;"
                + " no part of delta is left for another (safety_test.attempts)");
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_NONE);
  }

  /** Another seed: other weights. */
  private static String other(String name, String threshold) {
    return TestSpecs.spec(name).replace("seed: 5", "seed: 6").replace("threshold: 0.4", threshold);
  }

  private void resume(String runId, String... prompts) {
    var unused =
        mesh.runs()
            .resumeRun(
                ResumeRunRequest.newBuilder()
                    .setRunId(runId)
                    .addAllTestPrompts(List.of(prompts))
                    .build());
  }
}
