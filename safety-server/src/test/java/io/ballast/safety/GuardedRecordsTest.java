package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.LookState;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestInstance.Lifecycle;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What code might forget, the database refuses: records of tests stay as they are. So what one test
 * tries changes nothing for the next, and one mesh does for all.
 */
@TestInstance(Lifecycle.PER_CLASS)
class GuardedRecordsTest {
  private final TestSafety mesh = TestSafety.start(Map.of());
  private String certificate = "";

  @BeforeAll
  void passAndRevoke() {
    certificate = mesh.run(testOf(prompts(6)).build()).getCertificateId();
    var unused =
        mesh.safety()
            .revokeCertificate(
                RevokeCertificateRequest.newBuilder()
                    .setCertificateId(certificate)
                    .setReason("wrong")
                    .build());
  }

  @AfterAll
  void stop() {
    mesh.close();
  }

  @ParameterizedTest
  @CsvSource({
    "certificate, update certificate set alias = 'other'",
    "certificate, update certificate set not_after = not_after + interval '1 day'",
    "certificate, delete from certificate",
    "certificate, truncate certificate cascade",
    "certificate_revocation, update certificate_revocation set reason = 'none'",
    "certificate_revocation, delete from certificate_revocation",
    "certificate_revocation, truncate certificate_revocation",
    "safety_test_cost, update safety_test_cost set cost = 0",
    "safety_test_cost, delete from safety_test_cost",
    "safety_test_cost, truncate safety_test_cost",
    "safety_test, update safety_test set state = 'RUNNING'",
    "safety_test, update safety_test set seed = 7",
    "safety_test, update safety_test set upper_bound = 0",
    "safety_test, delete from safety_test",
    "look, update look set delta = 0.01",
    "look, update look set account = 'other'",
    "look, delete from look",
    "look, truncate look",
    "look_set, delete from look_set",
    "look_prompt, update look_prompt set prompt_sha256 = 'x'",
    "look_prompt, truncate look_prompt"
  })
  void recordsStay(String table, String statement) {
    assertRefused(statement, "rows of " + table + " are on record for good");
  }

  /** What is fixed before a candidate is seen stays so while its test runs. */
  @Test
  void whatATestIsToDoStaysWhileItRuns() throws InterruptedException {
    mesh.policy.hold();
    StartSafetyTestRequest.Builder request = testOf(List.of("three", "four"));
    request.getSpecBuilder().setCandidate(FakePolicyServer.candidate("b"));
    String id = mesh.safety().startSafetyTest(request.build()).getTest().getTestId();
    mesh.policy.awaitHeld();

    assertThat(
            List.of(
                "threshold = 0.9",
                "delta = 0.5",
                "bound_method = 'HOEFFDING'",
                "seed = 7",
                "prompts = '{}'",
                "candidate_sha256 = 'f'",
                "cost_sha256 = 'f'",
                "temperature = 0"))
        .allSatisfy(
            change ->
                assertRefused(
                    "update safety_test set %s where test_id = '%s'".formatted(change, id),
                    "rows of safety_test are on record for good"));
    mesh.policy.release();
    assertThat(mesh.await(id).getState()).isNotEqualTo(SafetyTestState.SAFETY_TEST_STATE_RUNNING);
  }

  @Test
  void aPromptThatWasLookedAtIsNotFreed() {
    assertRefused("delete from look_prompt", " was looked at");
  }

  @Test
  void aLookIsGivenBackOnceAndForGood() {
    StartSafetyTestRequest.Builder request = testOf(List.of("one", "O"));
    request.getSpecBuilder().setCandidate(FakePolicyServer.candidate("b"));
    SafetyTest failed = mesh.run(request.build());
    assertThat(failed.getLook().getState()).isEqualTo(LookState.LOOK_STATE_GIVEN_BACK);

    assertRefused(
        "update look set given_back_at = null where given_back_at is not null",
        "rows of look are on record for good");
  }

  @Test
  void whatIsRefusedChangedNothing() {
    assertRefused("delete from certificate_revocation", "on record for good");

    assertThat(
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder().setCertificateId(certificate).build())
                .getReason())
        .startsWith("revocation: revoked at");
  }

  private void assertRefused(String statement, String words) {
    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(handle -> handle.execute(statement)))
        .hasMessageContaining(words);
  }
}
