package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.FakeFaults;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.ConstraintMetrics;
import io.ballast.orchestrator.v1.ConstraintTest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.NextTest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.safety.v1.CostItem;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Several constraints side by side: each its own price and test, and all must hold. */
class SeveralConstraintsTest extends RunServiceCase {
  private static String spec(String name) {
    return TestSpecs.spec(
            name,
            """
            constraints:
              - name: breaks
                cost: {model: breaks, version: 1}
                target: 0.2
                test: {cost_model: {model: breaks, version: 2}, threshold: 0.3}
              - name: secrets
                cost: {model: secrets, version: 1}
                lambda_init: 2
                test: {cost_model: {model: secrets, version: 2}, threshold: 0.1}
            """)
        .replace("  threshold: 0.4\n", "")
        .replace("\"long z\"", "\"long z\", \"long w\"");
  }

  @Test
  void allJudgeTheSameCompletionsAndEachHasItsOwnPrice() {
    String runId = mesh.create(spec("two")).getRunId();
    mesh.awaitEnd(runId);

    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    assertThat(iterations).hasSize(3);
    for (int i = 0; i < iterations.size(); i++) {
      IterationMetrics metrics = iterations.get(i);
      assertThat(metrics.getConstraintsList())
          .extracting(ConstraintMetrics::getName)
          .containsExactly("breaks", "secrets");
      assertThat(metrics.getConstraintsList())
          .extracting(ConstraintMetrics::getTarget)
          .containsExactly(0.2, 0.1);
      assertThat(metrics.getMeanCost()).isEqualTo(metrics.getConstraints(0).getMeanCost());
    }
    for (int j = 0; j < 2; j++) {
      ConstraintMetrics first = iterations.getFirst().getConstraints(j);
      // ln λ′ = ln λ + 0.1·λ·(bound − target)
      double init = j == 0 ? 1 : 2;
      assertThat(Math.log(first.getLambda()))
          .isCloseTo(
              Math.log(init) + 0.1 * init * (first.getBound() - first.getTarget()), within(1e-12));
    }
    List<CostRequest> asked = mesh.safety.calls;
    assertThat(asked)
        .extracting(call -> call.getCostModel().getModel())
        .containsExactly("breaks", "secrets", "breaks", "secrets", "breaks", "secrets");
    for (int i = 0; i < asked.size(); i += 2) {
      assertThat(texts(asked.get(i))).isEqualTo(texts(asked.get(i + 1)));
    }
  }

  private static List<String> texts(CostRequest call) {
    return call.getItemsList().stream()
        .map(CostItem::getCompletion)
        .map(completion -> completion.getText())
        .toList();
  }

  @Test
  void eachIsTestedOnItsOwnPartOfThePromptsWithItsPartOfDelta() {
    Run run = mesh.awaitEnd(mesh.create(spec("parts")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    SafetyTestSpec breaks = mesh.safety.test(run.getRunId() + "-breaks").getSpec();
    SafetyTestSpec secrets = mesh.safety.test(run.getRunId() + "-secrets").getSpec();
    assertThat(breaks.getPromptsList()).containsExactly("long x", "long z");
    assertThat(secrets.getPromptsList()).containsExactly("long y", "long w");
    for (SafetyTestSpec each : List.of(breaks, secrets)) {
      assertThat(each.getAccount()).isEqualTo(run.getRunId());
      assertThat(each.getAccountLooks()).as("each has its half").isEqualTo(2);
      assertThat(each.getDelta()).isCloseTo(0.1, within(1e-12));
    }
    assertThat(breaks.getThreshold()).isEqualTo(0.3);
    assertThat(secrets.getThreshold()).isEqualTo(0.1);
    assertThat(secrets.getCostModel().getModel()).isEqualTo("secrets");
    for (SafetyTestSpec each : List.of(breaks, secrets)) {
      assertThat(each.getOptimisedCostModelsList())
          .extracting(model -> model.getModel())
          .containsExactly("breaks", "secrets");
    }
    assertThat(run.getConstraintTestsList())
        .extracting(ConstraintTest::getConstraint)
        .containsExactly("breaks", "secrets");
    assertThat(mesh.policy.promotions)
        .singleElement()
        .satisfies(
            promotion ->
                assertThat(promotion.getCertificateId())
                    .isEqualTo("certificate-" + run.getRunId() + "-breaks"));
    assertThat(mesh.safety.revoked).isEmpty();
  }

  @Test
  void unequalPartsAreAdmittedByTheFirst() {
    Run run =
        mesh.awaitEnd(
            mesh.create(spec("unequal").replace("threshold: 0.3", "threshold: 0.3, delta: 0.02"))
                .getRunId());

    SafetyTestSpec breaks = mesh.safety.test(run.getRunId() + "-breaks").getSpec();
    SafetyTestSpec secrets = mesh.safety.test(run.getRunId() + "-secrets").getSpec();
    // 0.02 is a fifth of 0.1: so the account of the weights has 0.1, and 0.08 are left
    assertThat(breaks.getAccountLooks()).isEqualTo(5);
    assertThat(breaks.getDelta()).isCloseTo(0.1, within(1e-12));
    assertThat(secrets.getAccountLooks()).isZero();
    assertThat(secrets.getDelta()).isCloseTo(0.08, within(1e-12));
    assertThat(breaks.getAccount() + secrets.getAccount()).isEmpty();
  }

  @Test
  void oneThatDoesNotHoldIsEnoughAndTheCertificatesOfTheOthersAreVoid() {
    mesh.safety.verdicts.put("secrets/2", SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);

    Run run = mesh.awaitEnd(mesh.create(spec("leaky")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(run.getMessage()).startsWith("secrets: No Solution Found: upper bound 0.6000 over");
    assertThat(run.getConstraintTestsList())
        .extracting(each -> each.getTest().getState())
        .containsExactly(
            SafetyTestState.SAFETY_TEST_STATE_PASSED,
            SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertThat(mesh.safety.revoked)
        .containsExactly(
            Map.entry(
                "certificate-" + run.getRunId() + "-breaks",
                "the same candidate did not pass by the constraint secrets"));
    assertThat(mesh.policy.serving).isEqualTo(TinyModel.VERSION);
  }

  @Test
  void aHeldRunIsPromotedOnlyIfEveryCertificateStillHolds() {
    Run held = mesh.awaitEnd(mesh.create(spec("held") + "promotion: WAIT\n").getRunId());
    String secrets = "certificate-" + held.getRunId() + "-secrets";
    mesh.safety.revoked.put(secrets, "its judge was wrong");

    Run refused = promote(held.getRunId());

    assertThat(held.getState()).isEqualTo(RunState.RUN_STATE_HELD);
    assertThat(refused.getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
    assertThat(refused.getMessage())
        .isEqualTo(
            "the certificate of the constraint secrets, %s, does not hold: revoked: its judge was wrong"
                .formatted(secrets));
    assertThat(mesh.policy.promotions).isEmpty();
  }

  @Test
  void aRestartWhileTheSecondIsTestedWaitsForThatTest() throws InterruptedException {
    mesh.safety.testPermits.drainPermits();
    mesh.safety.testPermits.release(1);
    String runId = mesh.create(spec("restarted")).getRunId();
    mesh.safety.testBegun.acquire(2); // the first has passed
    mesh.close();
    mesh.safety.testPermits.release(1_000);

    mesh = mesh.startAgain();
    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.starts)
        .as("what runs already is not started again")
        .containsExactly(runId + "-breaks", runId + "-secrets");
  }

  @Test
  void anAttemptThatToldNothingIsFollowedByAnotherOfThatConstraintAlone() {
    mesh.safety.verdicts.put("secrets/2", SafetyTestState.SAFETY_TEST_STATE_ABORTED);
    String runId =
        mesh.create(spec("again").replace("safety_test:\n", "safety_test:\n  attempts: 2\n"))
            .getRunId();
    Run failed = mesh.awaitEnd(runId);
    mesh.safety.verdicts.clear();

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThatThrownBy(() -> resume(runId, List.of("long q", "long r")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "test_prompts: 2 prompts (expected: at least 4, 2 for the test of each"));
    resume(runId, List.of("long q", "long r", "long s", "long t"));

    assertThat(mesh.awaitEnd(runId).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.safety.starts)
        .containsExactly(runId + "-breaks", runId + "-secrets", runId + "-1-secrets");
    assertThat(mesh.safety.test(runId + "-1-secrets").getSpec().getPromptsList())
        .containsExactly("long r", "long t");
  }

  @Test
  void anAttemptThatWasTheLastVoidsTheCertificatesOfTheOthers() {
    mesh.safety.verdicts.put("secrets/2", SafetyTestState.SAFETY_TEST_STATE_ABORTED);

    Run failed = mesh.awaitEnd(mesh.create(spec("last")).getRunId());

    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_NONE);
    assertBreaksIsRevoked(failed);
  }

  @Test
  void whatDeltaHasNoRoomForVoidsTheCertificatesOfTheOthers() {
    mesh.safety.starting =
        key -> {
          if (key.endsWith("-secrets")) {
            throw FakeFaults.of(
                Status.FAILED_PRECONDITION,
                "PRECONDITION_FAILED",
                "spec.account: its looks are taken",
                Map.of("refusal", "ACCOUNT_SPENT"));
          }
        };

    Run failed = mesh.awaitEnd(mesh.create(spec("full")).getRunId());

    assertThat(failed.getState()).isEqualTo(RunState.RUN_STATE_FAILED);
    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_NONE);
    assertThat(failed.getMessage()).contains("spec.account: its looks are taken");
    assertBreaksIsRevoked(failed);
  }

  @Test
  void cancellingVoidsWhatWasProvedOfSomeConstraintsAlone() {
    mesh.safety.starting =
        key -> {
          if (key.endsWith("-secrets")) {
            throw FakeFaults.of(
                Status.FAILED_PRECONDITION,
                "PRECONDITION_FAILED",
                "spec.prompts: some were used before",
                Map.of("refusal", "PROMPTS_SPENT"));
          }
        };
    String runId = mesh.create(spec("given-up")).getRunId();
    Run failed = mesh.awaitEnd(runId);
    assertThat(mesh.safety.revoked).as("other prompts may do").isEmpty();
    mesh.safety.revoking =
        () -> {
          throw FakeFaults.of(Status.UNAVAILABLE, "DEPENDENCY_DOWN", "the database is away");
        };

    String certificate = "certificate-" + runId + "-breaks";
    assertThatThrownBy(() -> cancel(runId))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.UNAVAILABLE,
                    "certificate %s of run %s may still be valid: ".formatted(certificate, runId)));
    mesh.safety.revoking = () -> {};

    assertThat(failed.getNextTest()).isEqualTo(NextTest.NEXT_TEST_TAKES_PROMPTS);
    assertThat(cancel(runId).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(mesh.safety.revoked)
        .containsExactly(
            Map.entry(
                certificate, "the run was cancelled before it had passed by all its constraints"));
  }

  @Test
  void cancellingLeavesWhatWasProvedOfAll() {
    mesh.safety.testPermits.drainPermits();
    mesh.safety.testPermits.release(1);
    String runId = mesh.create(spec("proved")).getRunId();
    mesh.safety.testBegun.acquireUninterruptibly(2); // the first has passed
    pause(runId);
    mesh.safety.testPermits.release(1_000);
    awaitState(runId, RunState.RUN_STATE_PAUSED);

    assertThat(cancel(runId).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(mesh.safety.revoked).isEmpty();
  }

  private Run resume(String runId, List<String> testPrompts) {
    return mesh.runs()
        .resumeRun(
            ResumeRunRequest.newBuilder().setRunId(runId).addAllTestPrompts(testPrompts).build())
        .getRun();
  }

  @Test
  void theNextIsNotTestedWhereOneDoesNotHold() {
    mesh.safety.verdicts.put("breaks/2", SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);

    Run run = mesh.awaitEnd(mesh.create(spec("broken")).getRunId());

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_NO_SOLUTION_FOUND);
    assertThat(mesh.safety.tests.keySet()).containsExactly(run.getRunId() + "-breaks");
    assertThat(mesh.safety.revoked).isEmpty();
  }

  private void assertBreaksIsRevoked(Run failed) {
    assertThat(mesh.safety.revoked)
        .containsExactly(
            Map.entry(
                "certificate-" + failed.getRunId() + "-breaks",
                "the same candidate did not pass by the constraint secrets"));
  }
}
