package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.DeltaAccount;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.NoSolutionReason;
import io.ballast.safety.v1.ReuseRule;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** All looks at some weights have one δ, and an account counts the looks of many. */
class DeltaAccountTest extends SafetyTestsCase {
  @Test
  void aSecondLookAtTheSameWeightsIsRefusedOnOtherPrompts() {
    SafetyTest first = mesh.run(on("harmful", "1", s -> s));
    assertThat(first.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertThat(first.getNoSolutionReason())
        .isEqualTo(NoSolutionReason.NO_SOLUTION_REASON_NO_SPREAD);

    assertRefused(
        () -> mesh.safety().startSafetyTest(on("harmful", "2", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "spec.candidate: 1 look at these weights, the last by test %s, had delta 0.1 of 0.1 together; there is no room for 0.1"
            .formatted(first.getTestId()));
    mesh.policy.register("harmful-renamed", "c".repeat(64)); // the weights count, not the name
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("harmful-renamed", "2", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "1 look at these weights");
    // nothing was spent: others may use those prompts
    assertThat(mesh.run(on("a", "2", s -> s)).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void aDeltaThatWasSharedBeforehandLastsForItsLooks() {
    UnaryOperator<SafetyTestSpec.Builder> shared = s -> s.setDelta(0.3).setAccountLooks(3);
    SafetyTest first = mesh.run(on("harmful", "1", shared));
    SafetyTest second = mesh.run(on("harmful", "2", shared));
    SafetyTest third = mesh.run(on("harmful", "3", shared));

    for (SafetyTest test : List.of(first, second, third)) {
      assertThat(test.getOutcome().getDelta()).isCloseTo(0.1, within(1e-15));
      assertThat(test.getLook().getAccountLooks()).isEqualTo(3);
      assertThat(test.getLook().getAccountDelta()).isEqualTo(0.3);
      assertThat(test.getLook().getTotalDelta()).isCloseTo(0.1, within(1e-15));
    }
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("harmful", "4", shared)),
        Status.Code.FAILED_PRECONDITION,
        "spec.candidate: 3 looks at these weights, the last by test %s, had delta "
            .formatted(third.getTestId()));
  }

  @Test
  void aCertificateSaysHowManyLooksWentBeforeIt() {
    mesh.run(on("harmful", "1", s -> s.setAccount("run-7")));
    mesh.run(on("a-b", "E", s -> s.setAccount("run-7").setDelta(0.2).setAccountLooks(0)));
    String id =
        mesh.run(on("a", "2", s -> s.setAccount("run-7").setDelta(0.05))).getCertificateId();

    Certificate certificate =
        mesh.safety()
            .getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build())
            .getCertificate();
    assertThat(certificate.getAccount())
        .isEqualTo(
            DeltaAccount.newBuilder()
                .setName("run-7")
                .setTotalDelta(0.05)
                .setEarlierAccountLooks(2)
                .setEarlierAccountDelta(0.1 + 0.2)
                .build());
    assertThat(verify(id))
        .contains(
            "account: these weights had 0 earlier looks, delta 0.0 together; this look has 0.05 of 0.05; account 'run-7' had 2 earlier looks, delta 0.30000000000000004 together");
  }

  @ParameterizedTest
  @CsvSource({
    "earlier_weights_looks = 3",
    "earlier_weights_delta = 0.05",
    "earlier_account_looks = 3",
    "earlier_account_delta = 0.3",
    "account = 'other'",
    "account_looks = 7",
    "account_delta = 0.4"
  })
  void whatItSaysOfThemIsSigned(String alteration) {
    String id = mesh.run(on("a", "1", s -> s.setAccount("run-7"))).getCertificateId();
    mesh.database.alter("update certificate set " + alteration);

    assertThat(verify(id).getFirst()).startsWith("signature: altered: account.");
  }

  /** A pass on easy prompts would else be leave to try hard ones until they pass. */
  @Test
  void aRenewalThatFailsIsTheLast() {
    SafetyTest easy = mesh.run(on("a", "1", s -> s));
    assertThat(easy.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    SafetyTest hard = mesh.run(on("a", "H", s -> s));
    assertThat(hard.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_NO_SOLUTION_FOUND);
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("a", "3", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "2 looks at these weights");
  }

  @Test
  void weightsThatPassedAreTestedAgainForAsMuch() {
    SafetyTest first = mesh.run(on("a", "1", s -> s));
    SafetyTest renewed = mesh.run(on("a", "2", s -> s.setThreshold(0.4)));
    assertThat(renewed.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);

    for (UnaryOperator<SafetyTestSpec.Builder> more :
        List.<UnaryOperator<SafetyTestSpec.Builder>>of(
            s -> s.setThreshold(0.2),
            s -> s.setDelta(0.05),
            s -> s.setCostModel(s.getCostModel().toBuilder().setVersion("3")),
            s -> s.setSampling(s.getSampling().toBuilder().setTemperature(0.5)),
            s -> s.setMaxPromptTokens(9))) {
      assertRefused(
          () -> mesh.safety().startSafetyTest(on("a", "3", more)),
          Status.Code.FAILED_PRECONDITION,
          "2 looks at these weights");
    }
    for (SafetyTest passed : List.of(first, renewed)) {
      var unused =
          mesh.safety()
              .revokeCertificate(
                  RevokeCertificateRequest.newBuilder()
                      .setCertificateId(passed.getCertificateId())
                      .setReason("wrong")
                      .build());
    }
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("a", "3", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "2 looks at these weights");
  }

  @Test
  void aNamedAccountThatSharesRefusesFurtherLooksAtWhateverCandidate() {
    UnaryOperator<SafetyTestSpec.Builder> two = s -> s.setAccount("run-7").setAccountLooks(2);
    mesh.run(on("harmful", "1", two));
    SafetyTest last = mesh.run(on("a", "2", two));

    assertRefused(
        () -> mesh.safety().startSafetyTest(on("b", "3", two)),
        Status.Code.FAILED_PRECONDITION,
        "spec.account: 'run-7': its 2 looks are taken, the last by test " + last.getTestId());
    assertRefused(
        () ->
            mesh.safety()
                .startSafetyTest(on("b", "3", s -> s.setAccount("run-7").setAccountLooks(3))),
        Status.Code.FAILED_PRECONDITION,
        "spec.account_looks: 3; the first test of account 'run-7' fixed 2 looks and delta 0.1");
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("b", "3", s -> s.setAccount("run-7"))),
        Status.Code.FAILED_PRECONDITION,
        "spec.account_looks: 0; the first test of account 'run-7' fixed 2 looks");
    assertThat(mesh.run(on("b", "3", s -> s.setAccount("run-8"))).getState())
        .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
  }

  @Test
  void anotherTenantsAccountOfTheSameNameIsAnother() {
    mesh.run(
        on("harmful", "1", s -> s.setAccount("run-7").setAccountLooks(1)).toBuilder()
            .setMetadata(RequestMetadata.newBuilder().setTenant("stranger"))
            .build());

    String id = mesh.run(on("a", "2", s -> s.setAccount("run-7"))).getCertificateId();

    assertThat(account(id).getEarlierAccountLooks()).isZero();
  }

  @Test
  void capitalsMakeNoOtherAccountAndARunIsOneByItself() {
    mesh.run(on("harmful", "1", s -> s.setAccount("RUN-1")));

    String id = mesh.run(on("a", "2", s -> s)).getCertificateId();

    assertThat(account(id).getName()).as("the id of its run").isEqualTo("run-1");
    assertThat(account(id).getEarlierAccountLooks()).isEqualTo(1);
  }

  @Test
  void aTestByHandDrawsOnTheAccountsOfTheRunThatMadeTheVersion() {
    SafetyTest ofRun = mesh.run(on("harmful", "1", s -> s));

    assertRefused(
        () -> mesh.safety().startSafetyTest(byHand("harmful", "2")),
        Status.Code.FAILED_PRECONDITION,
        "1 look at these weights, the last by test " + ofRun.getTestId());
    assertRefused(
        () -> mesh.safety().startSafetyTest(byHand("a", "1")),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 6 of 6 were used before, in test " + ofRun.getTestId());
    SafetyTest passed = mesh.run(byHand("a", "2"));
    assertThat(account(passed.getCertificateId()).getName()).as("it names no run").isEmpty();
    // and the other way round: the run has no second chance either
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("a", "3", s -> s.setThreshold(0.2))),
        Status.Code.FAILED_PRECONDITION,
        "1 look at these weights, the last by test " + passed.getTestId());
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("b", "2", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "spec.prompts: 6 of 6 were used before, in test " + passed.getTestId());
    // one that names the run is counted in its account
    String id = mesh.run(byHand("b", "3").toBuilder().setRunId("run-1").build()).getCertificateId();
    assertThat(account(id).getName()).isEqualTo("run-1");
    assertThat(account(id).getEarlierAccountLooks()).isEqualTo(1);
  }

  @Test
  void theAccountOfARunIsNamedWhereItsNameWasNotSaid() {
    mesh.run(on("harmful", "1", s -> s.setAccount("run-1").setAccountLooks(2)));

    assertRefused(
        () -> mesh.safety().startSafetyTest(on("a", "2", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "spec.account_looks: 0; the first test of account 'run-1' fixed 2 looks");
  }

  /** As a person begins one, who names no run. */
  private StartSafetyTestRequest byHand(String version, String set) {
    return on(version, set, s -> s).toBuilder().clearRunId().build();
  }

  @Test
  void whereDeltaIsSharedBeforehandTheAccountIsSaid() {
    String id = mesh.run(on("a", "1", s -> s.setAccountLooks(2))).getCertificateId();

    assertThat(account(id).getName()).isEmpty();
    assertThat(account(id).getLooks()).isEqualTo(2);
  }

  private DeltaAccount account(String id) {
    return mesh.safety()
        .getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build())
        .getCertificate()
        .getAccount();
  }

  @Test
  void ofConcurrentLooksAtTheSameWeightsOneStarts() throws Exception {
    List<Callable<SafetyTest>> starts = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      StartSafetyTestRequest request = on("harmful", "set " + i, s -> s);
      starts.add(() -> mesh.safety().startSafetyTest(request).getTest());
    }
    int started = 0;
    try (ExecutorService threads = Executors.newFixedThreadPool(8)) {
      for (Future<SafetyTest> start : threads.invokeAll(starts)) {
        try {
          mesh.await(start.get().getTestId());
          started++;
        } catch (ExecutionException e) {
          assertThat(e).hasMessageContaining("1 look at these weights");
        }
      }
    }
    assertThat(started).isEqualTo(1);
  }

  @Test
  void aCandidateWhoseCompletionsComeTooLateIsNotTestedForEver() {
    for (int i = 0; i < 8; i++) { // O fails for a reason that might pass, but never does
      SafetyTest late = mesh.run(on("b", "O" + i, s -> s));
      assertThat(late.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_FAILED);
      assertThat(late.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);
    }

    SafetyTest last = mesh.run(on("b", "O8", s -> s));

    assertThat(last.getLook().getState()).isEqualTo(LookState.LOOK_STATE_TAKEN);
    assertThat(last.getFailureMessage())
        .isEqualTo(
            "prompts[0]: no completion: not this one; its look is used up: 8 at these weights were given back before");
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("b", "other", s -> s)),
        Status.Code.FAILED_PRECONDITION,
        "1 look at these weights");
  }

  @Test
  void whatCouldBeNoAccountIsNamed() {
    assertMalformed(s -> s.setAccountLooks(-1), "spec.account_looks: -1 (expected: 1 to 1,000");
    assertMalformed(s -> s.setAccountLooks(1_001), "spec.account_looks: 1,001");
    assertMalformed(
        s -> s.setReuse(ReuseRule.REUSE_RULE_SPLIT).setLooks(2).setAccountLooks(2),
        "spec.account_looks: 2 (expected: 0 with SPLIT, whose looks share delta)");
    for (String name : List.of("a\nb", "run-7 ", " run-7", "a".repeat(129))) {
      assertMalformed(s -> s.setAccount(name), "spec.account: '");
    }
  }

  private void assertMalformed(UnaryOperator<SafetyTestSpec.Builder> change, String words) {
    assertRefused(
        () -> mesh.safety().startSafetyTest(on("a", "1", change)),
        Status.Code.INVALID_ARGUMENT,
        words);
  }

  /** A test of a version on six prompts of its own; a letter in their name makes trouble. */
  private StartSafetyTestRequest on(
      String version, String set, UnaryOperator<SafetyTestSpec.Builder> change) {
    if (version.equals("a-b")) {
      mesh.policy.register(version, "d".repeat(64));
    }
    return spec(
        testOf(prompts(6).stream().map(prompt -> set + ": " + prompt).toList()),
        s -> change.apply(s.setCandidate(FakePolicyServer.candidate(version))));
  }

  private List<String> verify(String id) {
    return mesh.safety()
        .verifyCertificate(VerifyCertificateRequest.newBuilder().setCertificateId(id).build())
        .getFindingsList();
  }
}
