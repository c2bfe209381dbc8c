package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.orchestrator.testing.FakeFaults;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import java.util.List;
import org.junit.jupiter.api.Test;

/** How runs end, and what people may do with them until then. */
class RunEndsTest extends RunServiceCase {
  @Test
  void aCandidateThatDoesNotPassIsNoSolutionFound() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND;

    Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("harmful")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(run.getMessage())
        .isEqualTo(
            "No Solution Found: upper bound 0.6000 over threshold 0.4000"
                + " (n 3, mean 0.5000, δ 0.100)");
    assertThat(run.getSafetyTest().getOutcome().getUpperBound()).isEqualTo(0.6);
    assertThat(mesh.policy.serving).isEqualTo(TinyModel.VERSION);
    assertThatThrownBy(() -> promote(run.getRunId()))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "no certificate"));
  }

  @Test
  void aBudgetThatEndsWithTheLastIterationEndsNothingEarly() {
    String whole = mesh.create(TestSpecs.spec("whole")).getRunId();
    mesh.awaitEnd(whole);
    long used = mesh.get(whole).getIterations(2).getSpent().getCompletionTokensCount();
    assertThat(mesh.get(whole).getIterations(1).getSpent().getCompletionTokensCount())
        .isLessThan(used);
    String spec =
        TestSpecs.testedOnOthers(TestSpecs.spec("last", "budget: {tokens: " + used + "}"));

    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getIterationsDone()).isEqualTo(3);
    assertThat(run.getLatest().getSpent().getCompletionTokensCount()).isEqualTo(used);
    assertThat(run.getEarlyStopReason()).isEmpty();
  }

  @Test
  void theJudgeIsWhatWasOptimisedAgainstOnlyIfTheSpecSaysSo() {
    String same =
        TestSpecs.spec("same")
            .replace(
                "  threshold: 0.4\n",
                "  threshold: 0.4\n  cost_model: {version: 1}\n  same_cost_model: true\n");
    assertThatThrownBy(() -> mesh.create(same.replace("same_cost_model: true", "attempts: 1")))
        .satisfies(
            thrown ->
                refused(
                    thrown, Status.Code.INVALID_ARGUMENT, "safety_test.cost_model: java-cost/1"));

    Run run = mesh.awaitEnd(mesh.create(same).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    SafetyTestSpec asked = mesh.safety.test(run.getRunId()).getSpec();
    assertThat(asked.getSameCostModel()).isTrue();
    assertThat(asked.getOptimisedCostModels(0).getVersion())
        .isEqualTo(asked.getCostModel().getVersion());
  }

  @Test
  void anAliasThatMovedOnMeansRefused() {
    mesh.policy.samplePermits.drainPermits();
    String runId = mesh.create(TestSpecs.spec("late")).getRunId();
    mesh.policy.serving = "another";
    mesh.letSample();

    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
    assertThat(run.getMessage()).contains("the alias has moved on since the run began");
    assertThat(mesh.policy.serving).isEqualTo("another");
  }

  @Test
  void aLimitOfTheOperatorsRefusesByNameAndTheCandidateStays() {
    mesh.policy.refusal =
        FakeFaults.of(
            Status.FAILED_PRECONDITION,
            "SAFETY_GATE_CLOSED",
            "outcome.threshold: 0.4 (expected: at most 0.3, ballast.policy.promotion.max-threshold)");

    Run run = mesh.awaitEnd(mesh.create(TestSpecs.spec("lax")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
    assertThat(run.getMessage())
        .startsWith("the certificate does not open the gate: ")
        .endsWith(
            "(expected: at most 0.3, ballast.policy.promotion.max-threshold); the candidate, %s/%s, is kept"
                .formatted(
                    run.getCandidateVersion().getModel(), run.getCandidateVersion().getVersion()));
    assertThat(mesh.policy.promotions).isEmpty();
    assertThat(mesh.policy.serving).isEqualTo(TinyModel.VERSION);
  }

  @Test
  void aRunThatWaitsForAPersonIsHeldUntilThatPersonPromotes() {
    Run held = mesh.awaitEnd(mesh.create(TestSpecs.spec("wait", "promotion: WAIT")).getRunId());
    String before = mesh.policy.serving;
    Run promoted = promote(held.getRunId());
    Run again = promote(held.getRunId());

    assertThat(held.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(before).isEqualTo(TinyModel.VERSION);
    assertThat(promoted.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.policy.serving).isEqualTo(held.getCandidateVersion().getVersion());
    assertThat(again).isEqualTo(promoted);
    assertThat(mesh.policy.promotions).hasSize(1);
  }

  @Test
  void aRunThatNeverPromotesIsHeldForGood() {
    Run held = mesh.awaitEnd(mesh.create(TestSpecs.spec("never", "promotion: NEVER")).getRunId());

    assertThat(held.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(held.getSafetyTest().getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThatThrownBy(() -> promote(held.getRunId()))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "promotion: NEVER"));
    assertThat(mesh.policy.promotions).isEmpty();
  }

  @Test
  void aTestThatCouldNotBeCarriedOutFailsTheRunAndResumingTriesAnother() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_FAILED;
    String runId = mesh.create(TestSpecs.spec("unlucky")).getRunId();

    Run failed = mesh.awaitEnd(runId);
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;
    resume(runId);
    Run run = mesh.awaitEnd(runId);

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getMessage()).contains("the candidate could not be sampled");
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.tests.keySet()).containsExactlyInAnyOrder(runId, runId + "-1");
    assertThat(mesh.policy.samples).as("nothing is learned twice").hasSize(3);
  }

  @Test
  void anAbortedTestIsNoVerdictAndResumingTakesFreshPrompts() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String runId = mesh.create(tried("aborted", "attempts: 2")).getRunId();

    Run failed = mesh.awaitEnd(runId);
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getMessage())
        .isEqualTo(
            "the safety test was aborted and says nothing: one completion had no cost;"
                + " its look at its prompts and its part of delta are used up;"
                + " another test needs fresh prompts");
    assertThat(failed.getSafetyTest().getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_ABORTED);
    assertThatThrownBy(() -> resume(runId))
        .satisfies(
            thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "resume it with fresh"));
    assertThatThrownBy(() -> resume(runId, "long x", "long v"))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "test_prompts[0]: is of the test before, which has used it up"));
    assertThatThrownBy(() -> resume(runId, "long v", "int a"))
        .satisfies(
            thrown ->
                refused(thrown, Status.Code.INVALID_ARGUMENT, "test_prompts[1]: was trained"));
    assertThatThrownBy(() -> resume(runId, "long v"))
        .satisfies(
            thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "test_prompts: 1 prompts"));

    resume(runId, "long v", "long w");

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.test(runId + "-1").getSpec().getPromptsList())
        .containsExactly("long v", "long w");
    for (String key : List.of(runId, runId + "-1")) {
      SafetyTestSpec asked = mesh.safety.test(key).getSpec();
      assertThat(asked.getAccount()).isEqualTo(runId);
      assertThat(asked.getAccountLooks()).isEqualTo(2);
      assertThat(asked.getDelta()).as("of both").isEqualTo(0.1);
    }
    assertThat(mesh.policy.samples).as("nothing is learned twice").hasSize(3);
  }

  @Test
  void theSamePromptsOnceMoreChangeNothingAndOthersAreRefused() throws InterruptedException {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String runId = mesh.create(tried("twice", "attempts: 2")).getRunId();
    mesh.awaitEnd(runId);
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;
    mesh.safety.testPermits.drainPermits();
    mesh.safety.testBegun.drainPermits();
    resume(runId, "long v", "long w");
    mesh.safety.testBegun.acquire();

    assertThat(resume(runId, "long v", "long w").getState()).isEqualTo(RunState.RUN_STATE_TESTING);
    assertThatThrownBy(() -> resume(runId, "long t", "long u"))
        .satisfies(
            thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "takes no test_prompts"));
    mesh.safety.testPermits.release(1_000);

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.test(runId + "-1").getSpec().getPromptsList())
        .containsExactly("long v", "long w");
  }

  @Test
  void anAbortedTestOfAPoolDrawsOthersFromIt() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String pool =
        tried("pool", "attempts: 2\n  draw_count: 2")
            .replace("\"long z\"", "\"long z\", \"long w\"");
    String runId = mesh.create(pool).getRunId();
    mesh.awaitEnd(runId);
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_PASSED;

    assertThatThrownBy(() -> resume(runId, "long v", "long w"))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "no test_prompts"));
    resume(runId);

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    for (String key : List.of(runId, runId + "-1")) {
      assertThat(mesh.safety.test(key).getSpec().getDrawCount()).isEqualTo(2);
      assertThat(mesh.safety.test(key).getSpec().getPromptsCount()).isEqualTo(4);
    }
  }

  private static String tried(String name, String more) {
    return TestSpecs.spec(name).replace("  threshold: 0.4", "  threshold: 0.4\n  " + more);
  }

  @Test
  void anAbortedTestWhoseDeltaWasNotSharedIsTheLast() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_ABORTED;
    String runId = mesh.create(TestSpecs.spec("spent")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.safety.test(runId).getSpec().getAccount()).isEqualTo(runId);
    assertThat(mesh.safety.test(runId).getSpec().getAccountLooks()).isZero();
    assertThatThrownBy(() -> resume(runId, "long v", "long w"))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.FAILED_PRECONDITION,
                    "no part of its delta is left for another safety test of run"));
  }

  @Test
  void aLookOfSeveralKeepsItsNumbersBack() {
    mesh.safety.verdict = SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND;
    mesh.safety.sealed = true;
    String spec =
        TestSpecs.spec("split")
            .replace("  threshold: 0.4", "  threshold: 0.4\n  reuse: SPLIT\n  looks: 4");

    Run run = mesh.awaitEnd(mesh.create(spec).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(run.getMessage())
        .isEqualTo("No Solution Found; its numbers are kept back until the set of prompts closes");
    assertThat(run.getSafetyTest().getSealed()).isTrue();
    SafetyTestSpec asked = mesh.safety.test(run.getRunId()).getSpec();
    assertThat(asked.getReuse()).isEqualTo(ReuseRule.REUSE_RULE_SPLIT);
    assertThat(asked.getLooks()).isEqualTo(4);
    assertThat(asked.getDelta()).as("of all looks").isEqualTo(0.1);
  }

  private Run resume(String runId, String... testPrompts) {
    return mesh.runs()
        .resumeRun(
            ResumeRunRequest.newBuilder()
                .setRunId(runId)
                .addAllTestPrompts(List.of(testPrompts))
                .build())
        .getRun();
  }

  @Test
  void oneRunWorksAtATimeAndTheNextWaitsItsTurn() throws InterruptedException {
    String first = mesh.createUpTo(1, TestSpecs.spec("one"));
    String second = mesh.create(TestSpecs.testedOnOthers(TestSpecs.spec("two"))).getRunId();

    assertThat(mesh.get(first).getRun().getState()).isEqualTo(RunState.RUN_STATE_LEARNING);
    assertThat(mesh.get(second).getRun().getState()).isEqualTo(RunState.RUN_STATE_QUEUED);
    mesh.letSample();
    assertThat(mesh.awaitEnd(first).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.awaitEnd(second).getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
  }

  @Test
  void aPauseComesAfterTheIterationUnderWayAndResumingGoesOn() throws InterruptedException {
    String runId = mesh.createUpTo(1, TestSpecs.spec("pause"));

    Run asked = pause(runId);
    mesh.letSample();
    Run paused = awaitState(runId, RunState.RUN_STATE_PAUSED);
    Run resumed = resume(runId);
    Run run = mesh.awaitEnd(runId);

    assertThat(asked.getState()).isEqualTo(RunState.RUN_STATE_LEARNING);
    assertThat(asked.getMessage()).isEqualTo("pauses after the iteration under way");
    assertThat(paused.getIterationsDone()).isEqualTo(1);
    assertThat(resumed.getState()).isEqualTo(RunState.RUN_STATE_QUEUED);
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.policy.samples).hasSize(3);
  }

  @Test
  void aPauseWhileTestingComesBeforeThePromotion() throws InterruptedException {
    mesh.safety.testPermits.drainPermits();
    String runId = mesh.create(TestSpecs.spec("pause")).getRunId();
    mesh.safety.testBegun.acquire();

    Run asked = pause(runId);
    mesh.safety.testPermits.release(1_000);
    Run paused = awaitState(runId, RunState.RUN_STATE_PAUSED);
    String serving = mesh.policy.serving;
    resume(runId);
    Run run = mesh.awaitEnd(runId);

    assertThat(asked.getState()).isEqualTo(RunState.RUN_STATE_TESTING);
    assertThat(paused.getSafetyTest().getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(serving).isEqualTo(TinyModel.VERSION);
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.tests).as("one look").hasSize(1);
  }

  @Test
  void aQueuedRunPausesAndIsCancelledAtOnce() throws InterruptedException {
    String first = mesh.createUpTo(1, TestSpecs.spec("one"));
    String second = mesh.create(TestSpecs.spec("two")).getRunId();

    assertThat(pause(second).getState()).isEqualTo(RunState.RUN_STATE_PAUSED);
    assertThat(cancel(second).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(cancel(second).getState()).as("again").isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThatThrownBy(() -> resume(second))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "has ended"));
    assertThatThrownBy(() -> pause(second))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "has ended"));
    mesh.letSample();
    assertThat(mesh.awaitEnd(first).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  @Test
  void aRunThatIsCancelledWhileItLearnsKeepsWhatWasRecorded() throws InterruptedException {
    String runId = mesh.createUpTo(2, TestSpecs.spec("stop"));

    Run cancelled = cancel(runId);
    mesh.letSample();
    Run next = mesh.awaitEnd(mesh.create(TestSpecs.spec("next")).getRunId()); // one slot: after it

    assertThat(cancelled.getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(mesh.get(runId).getRun()).isEqualTo(cancelled);
    assertThat(mesh.get(runId).getIterationsList()).hasSize(1);
    assertThat(next.getState()).as("its slot is free").isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(root.resolve("models/tiny-rollout/" + runId + "-1")).doesNotExist();
  }

  @Test
  void aRunThatIsCancelledWhileItIsTestedIsNotPromoted() throws InterruptedException {
    mesh.safety.testPermits.drainPermits();
    String runId = mesh.create(TestSpecs.spec("stop")).getRunId();
    mesh.safety.testBegun.acquire();

    cancel(runId);
    mesh.safety.testPermits.release(1_000);

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(mesh.policy.promotions).isEmpty();
  }
}
