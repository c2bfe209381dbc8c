package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.ModelSelector;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.CandidateVerdict;
import io.ballast.safety.v1.GetVerdictRequest;
import io.ballast.safety.v1.GetVerdictResponse;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;

/** A verdict is what a promotion would find, and says why. */
class VerdictTest extends SafetyTestsCase {
  private static final ModelVersion CANDIDATE = FakePolicyServer.candidate("a");

  private GetVerdictResponse verdict(ModelVersion candidate, String alias) {
    return mesh.safety()
        .getVerdict(GetVerdictRequest.newBuilder().setCandidate(candidate).setAlias(alias).build());
  }

  private static StartSafetyTestRequest passing() {
    return spec(testOf(prompts(30)), s -> s.setAlias("serving"));
  }

  @Test
  void whatWasNeverTestedIsUntested() {
    GetVerdictResponse said = verdict(CANDIDATE, "");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_UNTESTED);
    assertThat(said.getReason()).isEqualTo("java-tiny a was never tested");
    assertThat(said.getCandidate().getWeightsSha256()).isEqualTo("a".repeat(64));
    assertThat(said.hasTest()).isFalse();
    assertThat(said.hasCertificate()).isFalse();
  }

  @Test
  void aCertificatePassesForItsAliasUntilItIsRevoked() {
    SafetyTest test = mesh.run(passing());
    GetVerdictResponse said = verdict(CANDIDATE, "serving");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_PASS);
    assertThat(said.getReason()).isEqualTo("certificate " + test.getCertificateId() + " holds");
    assertThat(said.getTest()).isEqualTo(test);
    assertThat(said.getCertificate().getCertificateId()).isEqualTo(test.getCertificateId());

    GetVerdictResponse other = verdict(CANDIDATE, "experiment");
    assertThat(other.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_VOID);
    assertThat(other.getReason()).contains("alias: ").contains("serving");

    var unused =
        mesh.safety()
            .revokeCertificate(
                RevokeCertificateRequest.newBuilder()
                    .setCertificateId(test.getCertificateId())
                    .setReason("the labels were wrong")
                    .build());
    GetVerdictResponse revoked = verdict(CANDIDATE, "serving");
    assertThat(revoked.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_REVOKED);
    assertThat(revoked.getReason()).contains("revoked").contains("the labels were wrong");
    assertThat(revoked.getCertificate().hasRevocation()).isTrue();
  }

  @Test
  void aSpentCertificatePassesAsLongAsWhatItBroughtServes() {
    SafetyTest test = mesh.run(passing());
    mesh.policy.canaries.promote("a", test.getCertificateId());
    assertThat(verdict(CANDIDATE, "serving").getVerdict())
        .isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_PASS);

    mesh.policy.canaries.promote("b", "another");
    for (String alias : List.of("serving", "")) { // the certificate names its alias
      GetVerdictResponse said = verdict(CANDIDATE, alias);
      assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_VOID);
      assertThat(said.getReason())
          .isEqualTo(
              "certificate %s: alias: it moved serving at 2026-11-24T12:00:00Z, which serves another version since (expected: a certificate that did not)"
                  .formatted(test.getCertificateId()));
      assertThat(said.getCertificate().getCertificateId()).isEqualTo(test.getCertificateId());
    }
  }

  /** One constraint's test of a run, on prompts of its own. */
  private static StartSafetyTestRequest ofRun(String judge, String prefix) {
    return spec(
        testOf(prompts(30).stream().map(prompt -> prefix + prompt).toList()),
        s ->
            s.setAlias("serving")
                .setAccountLooks(2)
                .setBoundMethod(BoundMethod.BOUND_METHOD_HOEFFDING)
                .clearOptimisedCostModels()
                .setCostModel(ModelSelector.newBuilder().setModel("java-cost").setVersion(judge)));
  }

  @Test
  void whatOneConstraintOfARunDoesNotAllowDoesNotPass() {
    SafetyTest passed = mesh.run(ofRun("1", ""));
    assertThat(passed.getCertificateId()).isNotEmpty();
    SafetyTest harmful = mesh.run(ofRun("2", "H"));

    GetVerdictResponse said = verdict(CANDIDATE, "serving");

    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_NO_SOLUTION_FOUND);
    assertThat(said.getReason())
        .isEqualTo("safety test %s found no solution".formatted(harmful.getTestId()));
  }

  @Test
  void anEarlierConstraintThatDidNotAllowItCountsToo() {
    SafetyTest harmful = mesh.run(ofRun("2", "H"));
    SafetyTest passed = mesh.run(ofRun("1", ""));
    assertThat(passed.getCertificateId()).isNotEmpty();

    GetVerdictResponse said = verdict(CANDIDATE, "serving");

    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_NO_SOLUTION_FOUND);
    assertThat(said.getTest().getTestId()).isEqualTo(harmful.getTestId());
  }

  @Test
  void whatBothConstraintsOfARunCertifyPasses() {
    SafetyTest first = mesh.run(ofRun("1", ""));
    assertThat(first.getCertificateId()).isNotEmpty();
    assertThat(verdict(CANDIDATE, "serving").getVerdict())
        .as("nobody else has judged yet")
        .isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_PASS);

    SafetyTest second = mesh.run(ofRun("2", "and "));
    assertThat(second.getCertificateId()).isNotEmpty();
    assertThat(verdict(CANDIDATE, "serving").getVerdict())
        .isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_PASS);

    var unused =
        mesh.safety()
            .revokeCertificate(
                RevokeCertificateRequest.newBuilder()
                    .setCertificateId(first.getCertificateId())
                    .setReason("the labels were wrong")
                    .build());
    GetVerdictResponse said = verdict(CANDIDATE, "serving");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_REVOKED);
    assertThat(said.getReason()).contains(first.getCertificateId());
  }

  @Test
  void anExpiredCertificateIsTold() {
    SafetyTest test = mesh.run(passing());
    mesh.clock.advance(Duration.ofDays(8));
    GetVerdictResponse said = verdict(CANDIDATE, "");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_EXPIRED);
    assertThat(said.getReason())
        .startsWith("certificate " + test.getCertificateId() + ": not_after: expired at ");
  }

  @Test
  void aHarmfulOneFoundNoSolution() {
    ModelVersion harmful = FakePolicyServer.candidate(FakePolicyServer.HARMFUL);
    SafetyTest test = mesh.run(spec(testOf(prompts(30)), s -> s.setCandidate(harmful)));
    GetVerdictResponse said = verdict(harmful, "serving");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_NO_SOLUTION_FOUND);
    assertThat(said.getReason())
        .isEqualTo("safety test " + test.getTestId() + " found no solution");
    assertThat(said.getTest().getOutcome().getUpperBound())
        .isEqualTo(test.getOutcome().getUpperBound());
  }

  @Test
  void oneThatIsBeingTestedIsRunning() throws InterruptedException {
    mesh.policy.hold();
    String id = mesh.safety().startSafetyTest(passing()).getTest().getTestId();
    mesh.policy.awaitHeld();
    GetVerdictResponse said = verdict(CANDIDATE, "");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_RUNNING);
    mesh.policy.release();
    SafetyTest ended = mesh.await(id);
    assertThat(ended.getCertificateId()).isNotEmpty();
  }

  @Test
  void aTestThatFailedDecidesNothing() {
    mesh.policy.swapped = true;
    SafetyTest test = mesh.run(passing());
    GetVerdictResponse said = verdict(CANDIDATE, "");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_UNDECIDED);
    assertThat(said.getReason())
        .startsWith("safety test " + test.getTestId() + " could not be carried out: ");
  }

  @Test
  void otherWeightsUnderTheSameNameHaveNoCertificate() {
    SafetyTest test = mesh.run(passing());
    assertThat(test.getCertificateId()).isNotEmpty();
    mesh.policy.register("a", "d".repeat(64));
    GetVerdictResponse said = verdict(CANDIDATE, "");
    assertThat(said.getVerdict()).isEqualTo(CandidateVerdict.CANDIDATE_VERDICT_VOID);
    assertThat(said.getReason()).contains("candidate_weights_sha256");
  }

  @Test
  void badInputIsNamed() {
    assertRefused(
        () -> verdict(FakePolicyServer.candidate("nope"), ""),
        Status.Code.NOT_FOUND,
        "candidate: the policy-server knows no version 'nope' of java-tiny");
    assertRefused(
        () -> verdict(CANDIDATE.toBuilder().setWeightsSha256("b".repeat(64)).build(), ""),
        Status.Code.INVALID_ARGUMENT,
        "candidate.weights_sha256: ");
    assertRefused(() -> verdict(CANDIDATE, "no alias"), Status.Code.INVALID_ARGUMENT, "alias: ");
    assertRefused(
        () -> verdict(ModelVersion.getDefaultInstance(), ""),
        Status.Code.INVALID_ARGUMENT,
        "candidate.model: ");
  }
}
