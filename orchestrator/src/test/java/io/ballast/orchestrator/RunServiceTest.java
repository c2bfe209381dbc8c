package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.ballast.orchestrator.testing.FakeWorld;
import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.testing.TinyModel;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.IterationMetrics;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.reward.v1.AggregationMethod;
import io.ballast.reward.v1.ScoreRequest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The run API on a real learner and a real database. */
class RunServiceTest {
  @TempDir Path root;
  private TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aRunIteratesTestsAndPromotes() {
    Run created = mesh.create(TestSpecs.spec("first"));
    Run run = mesh.awaitEnd(created.getRunId());

    assertThat(created.getName()).isEqualTo("first");
    assertThat(created.getBaseVersion().getVersion()).isEqualTo(TinyModel.VERSION);
    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(run.getMessage()).isEmpty();
    assertThat(run.getIterationsDone()).isEqualTo(3);
    assertThat(run.hasEndTime()).isTrue();
    String candidate = "first-" + run.getRunId().substring(0, 8);
    assertThat(run.getCandidateVersion().getModel()).isEqualTo(TinyModel.NAME);
    assertThat(run.getCandidateVersion().getVersion()).isEqualTo(candidate);
    assertThat(mesh.policy.serving).isEqualTo(candidate);
    assertThat(mesh.policy.promotions)
        .singleElement()
        .satisfies(
            promotion -> {
              assertThat(promotion.getExpectedVersion()).isEqualTo(TinyModel.VERSION);
              assertThat(promotion.getAlias()).isEqualTo("serving");
              assertThat(promotion.getCertificateId()).isEqualTo("certificate-" + run.getRunId());
            });
  }

  @Test
  void everyNumberOfAnIterationIsWhatHappened() {
    String runId = mesh.create(TestSpecs.spec("numbers")).getRunId();
    mesh.awaitEnd(runId);

    List<IterationMetrics> iterations = mesh.get(runId).getIterationsList();
    assertThat(iterations).extracting(IterationMetrics::getIteration).containsExactly(1, 2, 3);
    for (int i = 0; i < 3; i++) {
      IterationMetrics metrics = iterations.get(i);
      List<String> completions =
          mesh.rewards.calls.get(i).getItemsList().stream()
              .map(item -> item.getCompletion().getText())
              .toList();
      assertThat(metrics.getSamplesCount()).isEqualTo(6);
      assertThat(metrics.getDroppedCount()).isZero();
      assertThat(metrics.getMeanReward())
          .isCloseTo(mean(completions, FakeWorld::reward), within(1e-12));
      assertThat(metrics.getMeanSpread())
          .isCloseTo(mean(completions, FakeWorld::spread), within(1e-12));
      assertThat(metrics.getMeanCost())
          .isCloseTo(mean(completions, FakeWorld::harm), within(1e-12));
      assertThat(metrics.getMeanCompletionTokens())
          .isCloseTo(mean(completions, String::length), within(1e-12));
      assertThat(metrics.getPessimisticCost()).isGreaterThan(metrics.getMeanCost());
      assertThat(metrics.getEntropyNats()).isBetween(0.0, Math.log(257));
      assertThat(metrics.getGradientNorm()).isPositive();
      assertThat(metrics.getLearnSeconds()).isPositive();
      assertThat(metrics.hasCommitTime()).isTrue();
    }
    assertThat(iterations.getFirst().getKlNats()).as("before any update").isZero();
    assertThat(iterations.getLast().getKlNats()).as("after two updates").isPositive();
    // λ′ = 0.5 + 0.2·(UCB − 0.4), the target being the test's threshold
    assertThat(iterations.getFirst().getLambda())
        .isCloseTo(0.5 + 0.2 * (iterations.getFirst().getPessimisticCost() - 0.4), within(1e-12));
    assertThat(mesh.get(runId).getRun().getLatest()).isEqualTo(iterations.getLast());
  }

  private static double mean(List<String> completions, ToDoubleFunction<String> number) {
    return completions.stream().mapToDouble(number).average().orElseThrow();
  }

  @Test
  void eachIterationSamplesFromItsOwnWeightsWhichGoWhenTheRunEnds() throws IOException {
    String runId = mesh.create(TestSpecs.spec("pinned")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.policy.samples)
        .extracting(sample -> sample.getPolicy().getModel())
        .containsOnly(TinyModel.NAME + "-rollout");
    assertThat(mesh.policy.samples)
        .extracting(sample -> sample.getPolicy().getVersion())
        .containsExactly(runId + "-1", runId + "-2", runId + "-3");
    SampleRequest first = mesh.policy.samples.getFirst();
    assertThat(first.getCompletionsCount()).isEqualTo(3);
    assertThat(first.getMaxPromptTokens()).isEqualTo(64);
    assertThat(first.getSampling().getTemperature()).isEqualTo(1);
    assertThat(first.getSampling().getStopStringsList()).containsExactly("\n");
    assertThat(first.getSampling().getSeed())
        .isNotEqualTo(mesh.policy.samples.get(1).getSampling().getSeed());
    mesh.close(); // waits for the worker, which cleans up after the end is seen
    try (Stream<Path> left = Files.list(root.resolve("models/tiny-rollout"))) {
      assertThat(left).as("weights of a run that has ended").isEmpty();
    }
    try (Stream<Path> left = Files.list(root.resolve("learner/default"))) {
      assertThat(left).as("checkpoints of a run that has ended").isEmpty();
    }
  }

  @Test
  void thePeersAreAskedAsTheSpecSays() {
    String runId =
        mesh.create(
                TestSpecs.spec(
                    "asked",
                    """
                    reward: {model: r, version: 7, aggregation: UNCERTAINTY_WEIGHTED, uwo_lambda: 0.25}
                    cost: {model: c, version: 8}
                    """))
            .getRunId();
    mesh.awaitEnd(runId);

    ScoreRequest score = mesh.rewards.calls.getFirst();
    assertThat(score.getRewardModel().getModel()).isEqualTo("r");
    assertThat(score.getRewardModel().getVersion()).isEqualTo("7");
    assertThat(score.getAggregation().getMethod())
        .isEqualTo(AggregationMethod.AGGREGATION_METHOD_UWO);
    assertThat(score.getAggregation().getUwoLambda()).isEqualTo(0.25);
    assertThat(mesh.safety.calls.getFirst().getCostModel().getModel()).isEqualTo("c");
    assertThat(mesh.safety.calls.getFirst().getCostModel().getVersion()).isEqualTo("8");
    SafetyTestSpec test = mesh.safety.test(runId).getSpec();
    assertThat(test.getCandidate().getVersion()).startsWith("asked-");
    assertThat(test.getCostModel().getVersion()).isEqualTo("2");
    assertThat(test.getOptimisedCostModelsList())
        .singleElement()
        .satisfies(model -> assertThat(model.getModel() + model.getVersion()).isEqualTo("c8"));
    assertThat(test.getPromptsList()).containsExactly("long x", "long y", "long z");
    assertThat(test.getThreshold()).isEqualTo(0.4);
    assertThat(test.getDelta()).isEqualTo(0.1);
    assertThat(test.getSampling().hasSeed()).isTrue();
  }

  @Test
  void withTheConstraintOffCostsAreMeasuredOnly() {
    String runId = mesh.create(TestSpecs.spec("free", "constraint: {enabled: false}")).getRunId();
    mesh.awaitEnd(runId);

    assertThat(mesh.get(runId).getIterationsList())
        .allSatisfy(
            metrics -> {
              assertThat(metrics.hasLambda()).isFalse();
              assertThat(metrics.hasPessimisticCost()).isFalse();
              assertThat(metrics.getMeanCost()).isPositive();
            });
    assertThat(mesh.safety.test(runId).getSpec().getOptimisedCostModelsList()).isEmpty();
  }

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
  void anAliasThatMovedOnMeansRefused() {
    mesh.policy.samplePermits.drainPermits();
    String runId = mesh.create(TestSpecs.spec("late")).getRunId();
    mesh.policy.serving = "another";
    mesh.policy.samplePermits.release(1_000);

    Run run = mesh.awaitEnd(runId);

    assertThat(run.getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
    assertThat(run.getMessage()).contains("the alias has moved on since the run began");
    assertThat(mesh.policy.serving).isEqualTo("another");
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
  void theSameKeyCreatesOneRun() {
    CreateRunRequest request =
        CreateRunRequest.newBuilder()
            .setMetadata(TestMesh.metadata("acme", "key"))
            .setSpec(TestSpecs.spec("once"))
            .build();

    Run first = mesh.runs().createRun(request).getRun();
    Run second = mesh.runs().createRun(request).getRun();

    assertThat(second.getRunId()).isEqualTo(first.getRunId());
    assertThatThrownBy(
            () ->
                mesh.runs().createRun(request.toBuilder().setSpec(TestSpecs.spec("other")).build()))
        .satisfies(
            thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "used for another request"));
    assertThat(
            mesh.runs()
                .createRun(
                    request.toBuilder().setMetadata(TestMesh.metadata("other", "key")).build())
                .getRun()
                .getRunId())
        .as("another tenant's key")
        .isNotEqualTo(first.getRunId());
  }

  @Test
  void runsOfOneTenantDoNotExistForAnother() {
    String runId =
        mesh.runs()
            .createRun(
                CreateRunRequest.newBuilder()
                    .setMetadata(TestMesh.metadata("acme", ""))
                    .setSpec(TestSpecs.spec("secret"))
                    .build())
            .getRun()
            .getRunId();

    assertThatThrownBy(() -> mesh.get(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> pause(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> resume(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> cancel(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> promote(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThatThrownBy(() -> mesh.watchToTheEnd(runId))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run"));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
    assertThat(
            mesh.runs()
                .listRuns(
                    ListRunsRequest.newBuilder().setMetadata(TestMesh.metadata("acme", "")).build())
                .getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(runId);
  }

  @Test
  void runsAreListedNewestFirst() {
    List<String> ids =
        IntStream.range(0, 3)
            .mapToObj(i -> mesh.create(TestSpecs.spec("r" + i)).getRunId())
            .toList();

    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(ids.get(2), ids.get(1), ids.get(0));
    assertThat(
            mesh.runs().listRuns(ListRunsRequest.newBuilder().setPageSize(1).build()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(ids.get(2));
    assertThatThrownBy(
            () -> mesh.runs().listRuns(ListRunsRequest.newBuilder().setPageSize(1_001).build()))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "page_size: 1,001 (expected: 0 to 1,000)"));
  }

  @Test
  void oneRunWorksAtATimeAndTheNextWaitsItsTurn() throws InterruptedException {
    mesh.policy.samplePermits.drainPermits();

    String first = mesh.create(TestSpecs.spec("one")).getRunId();
    mesh.policy.sampleBegun.acquire();
    String second = mesh.create(TestSpecs.spec("two")).getRunId();

    assertThat(mesh.get(first).getRun().getState()).isEqualTo(RunState.RUN_STATE_LEARNING);
    assertThat(mesh.get(second).getRun().getState()).isEqualTo(RunState.RUN_STATE_QUEUED);
    mesh.policy.samplePermits.release(1_000);
    assertThat(mesh.awaitEnd(first).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(mesh.awaitEnd(second).getState()).isEqualTo(RunState.RUN_STATE_REFUSED);
  }

  @Test
  void aPauseComesAfterTheIterationUnderWayAndResumingGoesOn() throws InterruptedException {
    mesh.policy.samplePermits.drainPermits();
    String runId = mesh.create(TestSpecs.spec("pause")).getRunId();
    mesh.policy.sampleBegun.acquire();

    Run asked = pause(runId);
    mesh.policy.samplePermits.release(1_000);
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
    mesh.policy.samplePermits.drainPermits();
    String first = mesh.create(TestSpecs.spec("one")).getRunId();
    mesh.policy.sampleBegun.acquire();
    String second = mesh.create(TestSpecs.spec("two")).getRunId();

    assertThat(pause(second).getState()).isEqualTo(RunState.RUN_STATE_PAUSED);
    assertThat(cancel(second).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThat(cancel(second).getState()).as("again").isEqualTo(RunState.RUN_STATE_CANCELLED);
    assertThatThrownBy(() -> resume(second))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "has ended"));
    assertThatThrownBy(() -> pause(second))
        .satisfies(thrown -> refused(thrown, Status.Code.FAILED_PRECONDITION, "has ended"));
    mesh.policy.samplePermits.release(1_000);
    assertThat(mesh.awaitEnd(first).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
  }

  @Test
  void aRunThatIsCancelledWhileItLearnsKeepsWhatWasRecorded() throws InterruptedException {
    mesh.policy.samplePermits.drainPermits();
    mesh.policy.samplePermits.release(1);
    String runId = mesh.create(TestSpecs.spec("stop")).getRunId();
    mesh.policy.sampleBegun.acquire(2);

    Run cancelled = cancel(runId);
    mesh.policy.samplePermits.release(1_000);
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

  @Test
  void aWatcherSeesEveryIterationOnceAndComesBackWhereItWas() {
    String runId = mesh.create(TestSpecs.spec("watched")).getRunId();

    List<WatchRunResponse> all = mesh.watchToTheEnd(runId);
    Iterator<WatchRunResponse> stream =
        mesh.runs()
            .watchRun(WatchRunRequest.newBuilder().setRunId(runId).setAfterIteration(2).build());
    List<Integer> rest = new ArrayList<>();
    stream.forEachRemaining(
        seen -> {
          if (seen.hasIteration()) {
            rest.add(seen.getIteration().getIteration());
          }
        });

    assertThat(all.stream().filter(WatchRunResponse::hasIteration))
        .extracting(seen -> seen.getIteration().getIteration())
        .containsExactly(1, 2, 3);
    assertThat(all.getLast().getRun().getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    assertThat(rest).containsExactly(3);
    assertThatThrownBy(
            () ->
                mesh.runs()
                    .watchRun(
                        WatchRunRequest.newBuilder().setRunId(runId).setAfterIteration(-1).build())
                    .next())
        .satisfies(thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "after_iteration: -1"));
  }

  @Test
  void anUnknownRunIsNotFound() {
    for (String id : List.of("", "x", "00000000-0000-4000-8000-000000000000", "' or true; --")) {
      assertThatThrownBy(() -> mesh.get(id))
          .satisfies(
              thrown -> refused(thrown, Status.Code.NOT_FOUND, "there is no run '" + id + "'"));
    }
  }

  @Test
  void aBadSpecIsRefusedByPathAndLeavesNothing() {
    assertThatThrownBy(() -> mesh.create(TestSpecs.spec("bad", "iteratoins: 3")))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "iteratoins: unknown key (did you mean 'iterations'?"));
    assertThatThrownBy(() -> mesh.create(""))
        .satisfies(
            thrown ->
                refused(
                    thrown,
                    Status.Code.INVALID_ARGUMENT,
                    "spec: 0 bytes (expected: 1 to 1,048,576)"));
    assertThatThrownBy(() -> mesh.create("name: x\n#" + "x".repeat(1 << 20)))
        .satisfies(
            thrown -> refused(thrown, Status.Code.INVALID_ARGUMENT, "spec: 1,048,585 bytes"));
    assertThatThrownBy(
            () ->
                mesh.create(
                    TestSpecs.spec("base").replace("{model: tiny, version: 1}", "{model: none}")))
        .satisfies(thrown -> refused(thrown, Status.Code.NOT_FOUND, "no version 1 of none"));
    assertThat(mesh.runs().listRuns(ListRunsRequest.getDefaultInstance()).getRunsList()).isEmpty();
  }

  private Run promote(String runId) {
    return mesh.runs()
        .promoteCandidate(PromoteCandidateRequest.newBuilder().setRunId(runId).build())
        .getRun();
  }

  private Run pause(String runId) {
    return mesh.runs().pauseRun(PauseRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  private Run resume(String runId) {
    return mesh.runs().resumeRun(ResumeRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  private Run cancel(String runId) {
    return mesh.runs().cancelRun(CancelRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  private Run awaitState(String runId, RunState state) {
    Iterator<WatchRunResponse> stream =
        mesh.runs().watchRun(WatchRunRequest.newBuilder().setRunId(runId).build());
    while (stream.hasNext()) {
      Run run = stream.next().getRun();
      if (run.getState() == state) {
        return run;
      }
    }
    throw new AssertionError(
        mesh.runs().getRun(GetRunRequest.newBuilder().setRunId(runId).build()).toString());
  }

  private static void refused(Throwable thrown, Status.Code code, String message) {
    assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
    Status status = ((StatusRuntimeException) thrown).getStatus();
    assertThat(status.getCode()).isEqualTo(code);
    assertThat(status.getDescription()).contains(message);
  }
}
