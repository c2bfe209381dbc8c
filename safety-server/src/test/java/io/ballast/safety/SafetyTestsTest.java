package io.ballast.safety;

import static io.ballast.safety.testing.FakeCostModels.harmlessToTwo;
import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.policy.v1.SampleRequest;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestClock;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetSafetyTestResponse;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.testing.Await;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A safety test passes a candidate, or finds no solution, or fails; nothing is lost meanwhile. */
class SafetyTestsTest extends SafetyTestsCase {
  @Test
  @Timeout(60)
  void aHarmlessCandidatePasses() {
    SafetyTest test = mesh.run(testOf(prompts(10)).build());

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(test.getOutcome().getN()).isEqualTo(10);
    assertThat(test.getOutcome().getMeanCost()).isCloseTo(meanOf(prompts(10)), within(1e-12));
    assertThat(test.getOutcome().getStdCost()).isBetween(1e-6, 1e-4);
    assertThat(test.getOutcome().getUpperBound())
        .isBetween(meanOf(prompts(10)), meanOf(prompts(10)) + 1e-4);
    assertThat(test.getOutcome().getThreshold()).isEqualTo(0.3);
    assertThat(test.getOutcome().getDelta()).isEqualTo(0.1);
    assertThat(test.getOutcome().getBoundMethod()).isEqualTo(BoundMethod.BOUND_METHOD_STUDENT_T);
    assertThat(test.getCertificateId()).isNotEmpty();
    assertThat(test.getJudgedCount()).isEqualTo(10);
    assertThat(test.getPromptsCount()).isEqualTo(10);
    assertThat(test.getCandidate().getWeightsSha256()).isEqualTo("a".repeat(64));
    assertThat(test.getCostModel().getWeightsSha256())
        .isEqualTo(FakeCostModels.TWO.weightsSha256());
    assertThat(test.getRunId()).isEqualTo("run-1");
    assertThat(test.getStartTime().getSeconds()).isEqualTo(TestClock.START.getEpochSecond());
    assertThat(test.hasEndTime()).isTrue();
    Await.until(() -> ended("passed") == 1); // counted once it is on record
    assertThat(ended("no_solution_found")).isZero();
  }

  private double ended(String state) {
    return mesh.meters.get("ballast.safety.tests").tag("state", state).counter().count();
  }

  @Test
  void anEmptyCompletionCountsAsHarm() {
    SafetyTest test = mesh.run(testOf(List.of("E", "EE", "ok", "fine")).build());

    assertThat(test.getOutcome().getFailedItemsCount()).isEqualTo(2);
    assertThat(test.getOutcome().getMeanCost())
        .isCloseTo((2 + harmlessToTwo("ok") + harmlessToTwo("fine")) / 4, within(1e-12));
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
  }

  @Test
  void whereCostsAreZeroOrOneWhatHasNoneCountsAsUnsafe() {
    // no completion (F), an empty one (E), a NaN (N); java-cost 2 refuses X
    SafetyTest test =
        mesh.run(
            spec(
                testOf(List.of("F", "E", "N", "X", "ok", "fine")),
                s -> s.setBoundMethod(BoundMethod.BOUND_METHOD_CLOPPER_PEARSON)));

    assertThat(test.getOutcome().getFailedItemsCount()).isEqualTo(4);
    assertThat(test.getOutcome().getMeanCost()).isCloseTo(4 / 6.0, within(1e-12));
    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "F | no cost: not this one",
        "N | no cost: java-cost: head 2: score NaN (expected: finite)",
        "X | no cost: 999 tokens (expected: at most 255)"
      })
  void whatHasNoCostEndsTheTestAndIsNeverLeftOut(String prompt, String reason) {
    SafetyTest test = mesh.run(testOf(List.of("ok", "fine", prompt)).build());

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_ABORTED);
    assertThat(test.getFailureMessage())
        .isEqualTo(
            "prompts[2]: %s; the bound STUDENT_T has no place for a missing one".formatted(reason));
    assertThat(test.hasOutcome()).isFalse();
    assertThat(test.getCertificateId()).isEmpty();
    // what it was judged on is used up
    assertThat(test.getLook().getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);
    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(List.of("ok", "new")).build()),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 1 of 2 were used before, in test " + test.getTestId());
  }

  @Test
  void itSamplesThePinnedCandidateInChunksWithHealedCursors() {
    SafetyTest test = mesh.run(spec(testOf(prompts(10)), spec -> spec.setMaxPromptTokens(64)));

    List<SampleRequest> asked = mesh.policy.samples;
    assertThat(asked).extracting(SampleRequest::getPromptsCount).containsExactly(4, 4, 2);
    long seed = asked.getFirst().getSampling().getSeed();
    assertThat(asked)
        .extracting(request -> request.getSampling().getSeed())
        .containsExactly(seed, seed + 4, seed + 8);
    assertThat(asked)
        .allSatisfy(
            request -> {
              assertThat(request.getPolicy().getVersion()).isEqualTo("a");
              assertThat(request.getHealCursor()).isTrue();
              assertThat(request.getCompletionsCount()).isEqualTo(1);
              assertThat(request.getMaxPromptTokens()).isEqualTo(64);
              assertThat(request.getSampling().getTemperature()).isEqualTo(1);
              assertThat(request.getSampling().getTopK()).isEqualTo(50);
              assertThat(request.getSampling().getMaxNewTokens()).isEqualTo(24);
              assertThat(request.getMetadata().getRequestId())
                  .isEqualTo("safety-test:" + test.getTestId());
            });
  }

  @Test
  void aTestThatCannotBeCarriedOutFailsAndGivesItsLookBack() {
    // O fails for a reason that might pass, but never does
    SafetyTest failed = mesh.run(testOf(List.of("one", "O")).build());

    assertThat(failed.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(failed.getFailureMessage()).isEqualTo("prompts[1]: no completion: not this one");
    assertThat(failed.hasOutcome()).isFalse();
    assertThat(failed.getCertificateId()).isEmpty();
    assertThat(mesh.policy.samples).hasSize(8);
    assertThat(mesh.run(testOf(List.of("one", "two")).build()).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void aPolicyServerThatComesBackInTimeHurtsNothing() {
    mesh.policy.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(10)).build()).getTest().getTestId();
    mesh.policy.failures.set(3);
    mesh.policy.release();

    SafetyTest test = mesh.await(id);

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(mesh.policy.samples).hasSize(6);
  }

  @Test
  void completionsOfOtherWeightsFailTheTest() {
    mesh.policy.swapped = true;

    SafetyTest test = mesh.run(testOf(prompts(4)).build());

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(test.getFailureMessage()).contains("it sampled from").contains("f".repeat(64));
  }

  @Test
  void aCandidateWhoseFolderIsChangedMeanwhileFailsTheTestAndUsesItsLook() throws Exception {
    mesh.policy.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(4)).build()).getTest().getTestId();
    mesh.policy.awaitHeld();
    mesh.policy.repack("a", "d".repeat(64)); // the same weights with another tokenizer
    mesh.policy.release();

    SafetyTest test = mesh.await(id);

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(test.getFailureMessage())
        .isEqualTo(
            "java-tiny a has the folder %s (expected: %s, as at the start of the test)"
                .formatted("d".repeat(64), FakePolicyServer.folder("a")));
    assertThat(test.getLook().getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);
  }

  @Test
  void aCostModelThatWasLoadedFromAnotherFolderJudgesNothing() {
    assertThat(mesh.run(testOf(prompts(4)).build()).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    mesh.costModels.repack(FakeCostModels.TWO, "d".repeat(64)); // calibrated anew, on disk alone

    SafetyTest test =
        mesh.run(
            spec(testOf(List.of("p", "q")), s -> s.setCandidate(FakePolicyServer.candidate("b"))));

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(test.getFailureMessage())
        .isEqualTo(
            "cost model java-cost has the folder %s (expected: %s, as at the start of the test)"
                .formatted(FakeCostModels.folder(FakeCostModels.TWO), "d".repeat(64)));
  }

  @Test
  void aCorruptCostModelFailsTheTest() {
    SafetyTest test = mesh.run(judgedBy("java-cost", "3"));

    assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(test.getFailureMessage()).contains("SHA-256 differs");
  }

  @Test
  void progressIsSeenAndAWaitThatIsTooShortAnswersInTime() throws Exception {
    mesh.costModels.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(10)).build()).getTest().getTestId();
    mesh.costModels.awaitHeld();

    SafetyTest running =
        mesh.safety()
            .withDeadlineAfter(4_200, TimeUnit.MILLISECONDS)
            .getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(id).setWait(true).build())
            .getTest();
    assertThat(running.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_RUNNING);
    assertThat(running.getJudgedCount()).isZero();
    assertThat(running.getPromptsCount()).isEqualTo(10);
    assertThat(running.hasOutcome()).isFalse();

    mesh.costModels.release();
    assertThat(mesh.await(id).getJudgedCount()).isEqualTo(10);
  }

  /**
   * As many wait as calls may be under way, one after the other, since a call has its place until
   * it waits or is closed: whoever waits has no place among them.
   */
  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void whoeverWaitsForATestKeepsNobodyOut() throws Exception {
    mesh.costModels.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(10)).build()).getTest().getTestId();
    mesh.costModels.awaitHeld();

    List<ListenableFuture<GetSafetyTestResponse>> waiting = new ArrayList<>();
    for (int i = 0; i < TestSafety.MOST_CALLS; i++) {
      waiting.add(
          mesh.safetyAsync()
              .getSafetyTest(
                  GetSafetyTestRequest.newBuilder().setTestId(id).setWait(true).build()));
      Await.until(this::isServed);
    }

    mesh.costModels.release();
    for (ListenableFuture<GetSafetyTestResponse> each : waiting) {
      assertThat(each.get().getTest().getState())
          .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    }
  }

  private boolean isServed() {
    try {
      return !list("", 0).isEmpty();
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.RESOURCE_EXHAUSTED);
      return false;
    }
  }

  @Test
  void testsAreListedNewestFirstAndByRun() {
    SafetyTest first = mesh.run(testOf(List.of("a", "b")).build());
    SafetyTest second = mesh.run(testOf(List.of("c", "d")).setRunId("run-2").build());

    assertThat(list("", 0)).containsExactly(second, first);
    assertThat(list("run-1", 0)).containsExactly(first);
    assertThat(list("", 1)).containsExactly(second);
    assertThat(list("run-3", 0)).isEmpty();
    assertRefused(
        () -> list("", 1_001),
        Status.Code.INVALID_ARGUMENT,
        "page_size: 1,001 (expected: 1 to 1,000, or 0)");
  }

  @Test
  void unknownTestsAreNotFound() {
    String nobody = UUID.randomUUID().toString();
    assertRefused(() -> get(nobody), Status.Code.NOT_FOUND, "test_id: " + nobody);
    assertRefused(() -> get("1-1-1-1-1"), Status.Code.INVALID_ARGUMENT, "test_id: 9 characters");
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aTestThatItsProcessLeftIsBegunAgainByTheNext() throws Exception {
    mesh.policy.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(10)).build()).getTest().getTestId();
    mesh.policy.awaitHeld();
    int before = mesh.policy.samples.size();

    try (TestSafety next = mesh.startBeside(Map.of("test-chunk", "7"))) {
      next.resumeTests();
      while (mesh.policy.samples.size() == before) { // the first must not end it alone
        Thread.onSpinWait();
      }
      mesh.policy.release();
      SafetyTest test = next.await(id);

      assertThat(test.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
      assertThat(test.getOutcome().getN()).isEqualTo(10);
      // from the first prompt on, in the same chunks with the same seeds: the same look
      long seed = mesh.policy.samples.getFirst().getSampling().getSeed();
      assertThat(mesh.policy.samples.subList(before, mesh.policy.samples.size()))
          .extracting(request -> request.getSampling().getSeed())
          .contains(seed, seed + 4, seed + 8);
    }
  }

  @Test
  void aDatabaseThatIsAwayIsWaitedForAndNothingIsLost() throws Exception {
    mesh.policy.hold();
    String id = mesh.safety().startSafetyTest(testOf(prompts(10)).build()).getTest().getTestId();
    mesh.policy.awaitHeld();
    mesh.database.takeAway();
    mesh.onPause = pause -> mesh.database.bringBack();
    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(List.of("p", "q")).build()),
        Status.Code.UNAVAILABLE,
        "the database cannot be reached");
    assertRefused(() -> get(id), Status.Code.UNAVAILABLE, "the database cannot be reached");
    mesh.policy.release();
    while (mesh.policy.samples.size() < 2) { // the pause in its first report brought it back
      Thread.onSpinWait();
    }

    assertThat(mesh.await(id).getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(mesh.policy.samples).hasSize(3);
  }

  private List<SafetyTest> list(String run, int size) {
    return mesh.safety()
        .listSafetyTests(
            ListSafetyTestsRequest.newBuilder().setRunId(run).setPageSize(size).build())
        .getTestsList();
  }
}
