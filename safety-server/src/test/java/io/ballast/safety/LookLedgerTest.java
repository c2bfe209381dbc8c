package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.TextOrTokens;
import io.ballast.safety.core.safetytest.PromptSet;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.LedgerEntry;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** The database counts the looks at held-out prompts, whatever candidates they are of. */
class LookLedgerTest extends SafetyTestsCase {
  private static final String SET_OF_SIX = sha(prompts(6));

  @Test
  void aLookIsAnEntryOfTheLedger() {
    SafetyTest test = mesh.run(testOf(prompts(6)).build());

    LedgerEntry entry = test.getLook();
    assertThat(entry.getEntryId()).isEqualTo(test.getTestId());
    assertThat(entry.getPromptsSha256()).isEqualTo(test.getPromptsSha256()).isEqualTo(SET_OF_SIX);
    assertThat(entry.getPromptsCount()).isEqualTo(6);
    assertThat(entry.getReuse()).isEqualTo(ReuseRule.REUSE_RULE_REFUSE);
    assertThat(entry.getLook()).isEqualTo(1);
    assertThat(entry.getLooks()).isEqualTo(1);
    assertThat(entry.getDelta()).isEqualTo(0.1);
    assertThat(entry.getTotalDelta()).isEqualTo(0.1);
    assertThat(entry.getPoolSha256()).isEmpty();
    assertThat(entry.getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);
    assertThat(entry.getCandidate()).isEqualTo(test.getCandidate());
    assertThat(entry.getClosed()).isTrue();
    assertThat(ledger("")).containsExactly(entry);
    assertThat(certificate(test).getLedgerEntryId()).isEqualTo(entry.getEntryId());
    assertThat(certificate(test).getReuse()).isEqualTo(ReuseRule.REUSE_RULE_REFUSE);
  }

  @Test
  void aSplitSetIsLookedAtByCandidatesInTurnAndTellsNoNumbersUntilOnePasses() {
    SafetyTest first = mesh.run(split(3, "harmful"));
    assertThat(first.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertThat(first.getSealed()).isTrue();
    assertThat(first.hasOutcome()).isFalse();
    assertThat(first.getLook().getClosed()).isFalse();

    SafetyTest second = mesh.run(split(3, "a"));
    assertThat(second.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(second.getOutcome().getDelta()).isCloseTo(0.3 / 3, within(1e-15));
    assertThat(second.getLook().getLook()).isEqualTo(2);
    assertThat(second.getLook().getTotalDelta()).isEqualTo(0.3);
    assertThat(second.getLook().getClosed()).isTrue();

    SafetyTest opened = get(first.getTestId());
    assertThat(opened.getSealed()).isFalse();
    assertThat(opened.getOutcome().getMeanCost()).isGreaterThan(0.9);
    assertRefused(
        () -> mesh.safety().startSafetyTest(split(3, "b")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: the set is closed: a test passed, the last was " + second.getTestId());

    Certificate certificate = certificate(second);
    assertThat(certificate.getReuse()).isEqualTo(ReuseRule.REUSE_RULE_SPLIT);
    assertThat(certificate.getLook()).isEqualTo(2);
    assertThat(certificate.getLooks()).isEqualTo(3);
    assertThat(certificate.getTotalDelta()).isEqualTo(0.3);
    assertThat(
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder()
                        .setCertificateId(second.getCertificateId())
                        .build())
                .getReason())
        .isEmpty();
    mesh.database.alter("update certificate set look_ordinal = 1");
    assertThat(
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder()
                        .setCertificateId(second.getCertificateId())
                        .build())
                .getReason())
        .startsWith("signature: altered: look.ordinal");
  }

  @Test
  void whenAllLooksAreTakenTheSetClosesAndTheNumbersAreTold() {
    SafetyTest first = mesh.run(split(2, "harmful"));
    SafetyTest second = mesh.run(split(2, "harmful"));

    assertThat(List.of(get(first.getTestId()), get(second.getTestId())))
        .allSatisfy(
            test -> {
              assertThat(test.getSealed()).isFalse();
              assertThat(test.hasOutcome()).isTrue();
              assertThat(test.getLook().getClosed()).isTrue();
            });
    assertRefused(
        () -> mesh.safety().startSafetyTest(split(2, "a")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: the set is closed: all looks are taken, the last by test "
            + second.getTestId());
  }

  @Test
  void theFirstLookFixesTheRule() {
    mesh.run(split(3, "harmful"));

    for (StartSafetyTestRequest other :
        List.of(
            split(4, "a"),
            spec(split(3, "a").toBuilder(), s -> s.setDelta(0.2)),
            spec(testOf(prompts(6)), s -> s))) {
      assertRefused(
          () -> mesh.safety().startSafetyTest(other),
          Status.Code.FAILED_PRECONDITION,
          "spec.reuse: the first look at these prompts fixed SPLIT with 3 looks and delta 0.3 for all of them");
    }
    // a set that shares a prompt is another set, and its prompt is used
    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(prompts(7)).build()),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 6 of 7 were used before");
  }

  @Test
  void ofConcurrentLooksAtASplitSetAsManyStartAsItAllows() throws Exception {
    List<SafetyTest> started = concurrently(Collections.nCopies(8, split(3, "harmful")));

    assertThat(started).hasSize(3);
    assertThat(ledger(SET_OF_SIX))
        .extracting(LedgerEntry::getLook)
        .containsExactlyInAnyOrder(1, 2, 3);
    assertThat(ledger(SET_OF_SIX)).allMatch(LedgerEntry::getClosed);
  }

  @Test
  void promptsAreDrawnFromThoseOfThePoolThatNobodyUsed() {
    List<String> pool = prompts(20);
    for (int i = 0; i < 4; i++) {
      SafetyTest test = mesh.run(drawn(pool, 5));
      assertThat(test.getPromptsCount()).isEqualTo(5);
      assertThat(test.getLook().getPoolSha256()).isEqualTo(sha(pool));
      assertThat(test.getLook().getPromptsSha256()).isEqualTo(test.getPromptsSha256());
    }

    assertThat(sampled())
        .hasSize(20)
        .doesNotHaveDuplicates()
        .containsExactlyInAnyOrderElementsOf(pool);
    assertThat(sampled()).as("drawn, not taken in turn").isNotEqualTo(pool);
    assertRefused(
        () -> mesh.safety().startSafetyTest(drawn(pool, 2)),
        Status.Code.FAILED_PRECONDITION,
        "spec.draw_count: 2; of the 20 prompts of the pool 0 were never used");
  }

  @Test
  void ofConcurrentDrawsFromAPoolNoneGetsWhatAnotherGot() throws Exception {
    List<String> pool = prompts(20);

    List<StartSafetyTestRequest> draws = new ArrayList<>();
    for (int i = 0; i < 8; i++) { // each of other weights: an account of delta is of one candidate
      String version = "d" + i;
      mesh.policy.register(version, Integer.toString(i).repeat(64));
      draws.add(
          spec(
              drawn(pool, 5).toBuilder(),
              s -> s.setCandidate(FakePolicyServer.candidate(version))));
    }
    List<SafetyTest> started = concurrently(draws);

    assertThat(started).hasSize(4);
    assertThat(sampled()).hasSize(20).doesNotHaveDuplicates();
  }

  @Test
  void aLookComesBackIfAServerOfTheMeshWasTheCause() {
    // the second chunk never comes, for a reason that passes
    SafetyTest failed = mesh.run(testOf(List.of("1", "2", "3", "4", "O")).build());

    assertThat(failed.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(failed.getJudgedCount()).isEqualTo(4);
    assertThat(failed.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);
    assertThat(failed.getLook().hasGiveBackTime()).isTrue();
    SafetyTest again = mesh.run(testOf(List.of("1", "2", "3", "4", "5")).build());
    assertThat(again.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(ledger("")).containsExactly(again.getLook(), failed.getLook());
  }

  @Test
  void aLookIsUsedUpIfSomethingWasJudgedAndTheCauseIsNotOurs() {
    SafetyTest failed = mesh.run(testOf(List.of("1", "2", "3", "4", "W")).build());

    assertThat(failed.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
    assertThat(failed.getFailureMessage()).contains("it sampled from");
    assertThat(failed.getLook().getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);
    assertRefused(
        () -> mesh.safety().startSafetyTest(testOf(List.of("1", "new")).build()),
        Status.Code.FAILED_PRECONDITION,
        "1 of 2 were used before, in test " + failed.getTestId());
    // but not if nothing was judged
    SafetyTest atOnce =
        mesh.run(
            spec(
                testOf(List.of("W at once", "5")),
                s -> s.setCandidate(FakePolicyServer.candidate("b"))));
    assertThat(atOnce.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);
  }

  @Test
  void aSplitLookThatIsGivenBackIsTakenByTheNext() {
    mesh.run(split(2, "harmful"));
    mesh.policy.swapped = true; // before anything is judged
    SafetyTest failed = mesh.run(split(2, "harmful"));
    assertThat(failed.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);
    mesh.policy.swapped = false;

    SafetyTest next = mesh.run(split(2, "a"));
    assertThat(next.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(next.getLook().getLook()).isEqualTo(2);
  }

  @Test
  void whatCouldBeNoRuleIsNamed() {
    assertMalformed(s -> s.setReuseValue(9), "spec.reuse: 9 (expected: REFUSE or SPLIT)");
    assertMalformed(s -> s.setLooks(2), "spec.looks: 2 (expected: 0, unless SPLIT)");
    assertMalformed(
        s -> s.setReuse(ReuseRule.REUSE_RULE_SPLIT), "spec.looks: 0 (expected: 2 to 1,000)");
    assertMalformed(
        s -> s.setReuse(ReuseRule.REUSE_RULE_SPLIT).setLooks(2).setDrawCount(2),
        "spec.draw_count: 2 (expected: 0 with SPLIT");
    for (int draw : new int[] {-1, 1, 7}) {
      assertMalformed(
          s -> s.setDrawCount(draw),
          "spec.draw_count: %d (expected: 2 to 6, the prompts of the pool, or 0)".formatted(draw));
    }
    assertRefused(() -> ledger("x"), Status.Code.INVALID_ARGUMENT, "prompts_sha256: 1 characters");
    assertRefused(
        () -> mesh.safety().getLedger(GetLedgerRequest.newBuilder().setPageSize(1_001).build()),
        Status.Code.INVALID_ARGUMENT,
        "page_size: 1,001");
  }

  private void assertMalformed(UnaryOperator<SafetyTestSpec.Builder> change, String words) {
    assertRefused(
        () -> mesh.safety().startSafetyTest(spec(testOf(prompts(6)), change)),
        Status.Code.INVALID_ARGUMENT,
        words);
  }

  /** Starts tests at the same time, and waits for those that start; the others are refused. */
  private List<SafetyTest> concurrently(List<StartSafetyTestRequest> requests) throws Exception {
    List<Callable<SafetyTest>> starts = new ArrayList<>();
    for (StartSafetyTestRequest request : requests) {
      starts.add(() -> mesh.safety().startSafetyTest(request).getTest());
    }
    List<SafetyTest> started = new ArrayList<>();
    try (ExecutorService threads = Executors.newFixedThreadPool(starts.size())) {
      for (Future<SafetyTest> start : threads.invokeAll(starts)) {
        try {
          started.add(mesh.await(start.get().getTestId()));
        } catch (ExecutionException e) {
          assertThat(Status.fromThrowable(e.getCause()).getCode())
              .isEqualTo(Status.Code.FAILED_PRECONDITION);
        }
      }
    }
    return started;
  }

  private static StartSafetyTestRequest split(int looks, String version) {
    return spec(
        testOf(prompts(6)),
        s ->
            s.setReuse(ReuseRule.REUSE_RULE_SPLIT)
                .setLooks(looks)
                .setDelta(0.3)
                .setCandidate(FakePolicyServer.candidate(version)));
  }

  private static StartSafetyTestRequest drawn(List<String> pool, int count) {
    return spec(testOf(pool), s -> s.setDrawCount(count));
  }

  /** Every prompt that was sampled, in order. */
  private List<String> sampled() {
    return mesh.policy.samples.stream()
        .flatMap(request -> request.getPromptsList().stream())
        .map(TextOrTokens::getText)
        .toList();
  }

  private List<LedgerEntry> ledger(String set) {
    return mesh.safety()
        .getLedger(GetLedgerRequest.newBuilder().setPromptsSha256(set).build())
        .getEntriesList();
  }

  private Certificate certificate(SafetyTest test) {
    return mesh.safety()
        .getCertificate(
            GetCertificateRequest.newBuilder().setCertificateId(test.getCertificateId()).build())
        .getCertificate();
  }

  private static String sha(List<String> prompts) {
    return new PromptSet(prompts).sha256();
  }
}
