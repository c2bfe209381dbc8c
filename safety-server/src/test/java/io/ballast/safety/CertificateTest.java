package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A certificate says what was tested, can be computed again, and shows when it was altered. */
class CertificateTest {
  private static final String SHA_A = "a".repeat(64);

  private final TestSafety mesh = TestSafety.start(Map.of());
  private SafetyTest test = SafetyTest.getDefaultInstance();

  @BeforeEach
  void pass() {
    List<String> prompts = new ArrayList<>(prompts(29));
    prompts.add("H");
    test = mesh.run(testOf(prompts).build());
    assertThat(test.getCertificateId()).isNotEmpty();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void itSaysWhatWasTested() {
    Certificate certificate = get(test.getCertificateId());

    assertThat(certificate.getTestId()).isEqualTo(test.getTestId());
    assertThat(certificate.getCandidate()).isEqualTo(test.getCandidate());
    assertThat(certificate.getCostModel()).isEqualTo(test.getCostModel());
    assertThat(certificate.getOptimisedCostModelsList())
        .singleElement()
        .satisfies(
            optimised -> {
              assertThat(optimised.getVersion()).isEqualTo("1");
              assertThat(optimised.getWeightsSha256()).isEqualTo("1".repeat(64));
            });
    assertThat(certificate.getOutcome()).isEqualTo(test.getOutcome());
    assertThat(certificate.getPromptsSha256()).isEqualTo(test.getPromptsSha256());
    // nothing is left to a default
    assertThat(certificate.getSampling().hasTemperature()).isTrue();
    assertThat(certificate.getSampling().getMaxNewTokens()).isEqualTo(24);
    assertThat(certificate.getSampling().getTopK()).isEqualTo(50);
    assertThat(certificate.getSampling().getTopP()).isEqualTo(1);
    assertThat(certificate.getSampling().getSeed())
        .isEqualTo(mesh.policy.samples.getFirst().getSampling().getSeed());
    assertThat(certificate.getDigestSha256()).matches("[0-9a-f]{64}");
  }

  @Test
  void itHoldsForItsWeights() {
    VerifyCertificateResponse answer = verify(SHA_A);

    assertThat(answer.getFindingsList())
        .contains(
            "digest: matches",
            "costs_sha256: matches",
            "n: 30 costs are stored",
            "mean_cost: matches",
            "std_cost: matches",
            "upper_bound: matches",
            "test: passed",
            "candidate_weights_sha256: matches");
    assertThat(answer.getValid()).isTrue();
    assertThat(answer.getRecomputedUpperBound()).isEqualTo(test.getOutcome().getUpperBound());
    assertThat(answer.getCertificate()).isEqualTo(get(test.getCertificateId()));
    assertThat(verify("").getValid()).isTrue();
  }

  @Test
  void itDoesNotHoldForOtherWeights() {
    VerifyCertificateResponse answer = verify("b".repeat(64));

    assertThat(answer.getValid()).isFalse();
    assertThat(answer.getFindingsList())
        .contains(
            "candidate_weights_sha256: it says %s (expected: %s)".formatted(SHA_A, "b".repeat(64)));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "update certificate set upper_bound = 0.1 | upper_bound: it says 0.1, the costs yield",
        "update certificate set mean_cost = 0.01 | mean_cost: it says 0.01, the costs yield",
        "update certificate set std_cost = 0 | std_cost: it says 0.0, the costs yield",
        "update certificate set n = 31 | n: it says 31, 30 costs are stored",
        "update certificate set threshold = 0.01 | is over the threshold 0.01",
        "update certificate set candidate_sha256 = repeat('c', 64) | digest: it says",
        "update certificate set cost_version = '1' | cost_model: one that the candidate's run optimised",
        "update certificate set seed = 41 | digest: it says",
        "update certificate set issued_at = issued_at + interval '1 second' | digest: it says",
        "update certificate set stop_strings = array['x'] | digest: it says",
        "update certificate set failed_items_count = 1 | digest: it says",
        "update certificate set prompts_sha256 = repeat('0', 64) | digest: it says",
        "update certificate set digest_sha256 = repeat('0', 64) | digest: it says 0000",
        "update safety_test_cost set cost = 0.1 where position = 30 | costs_sha256: it says",
        "update safety_test_cost set cost = 7 where position = 30 | costs: one is outside 0 to 1",
        "delete from safety_test_cost where position = 30 | n: it says 30, 29 costs are stored",
        "delete from safety_test_cost | n: 0 costs are stored",
        "update safety_test set state = 'NO_SOLUTION_FOUND' | test: its state is NO_SOLUTION_FOUND"
      })
  void whatIsAlteredIsSeen(String alteration, String finding) {
    mesh.database.alter(alteration);

    VerifyCertificateResponse answer = verify("");

    assertThat(answer.getValid()).isFalse();
    assertThat(String.join("; ", answer.getFindingsList())).contains(finding);
  }

  @Test
  void whatIsNotThereIsNotFound() {
    String nobody = UUID.randomUUID().toString();
    assertRefused(() -> get(nobody), Status.Code.NOT_FOUND, "certificate_id: " + nobody);
    assertRefused(
        () ->
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder().setCertificateId(nobody).build()),
        Status.Code.NOT_FOUND,
        "there is no such certificate");
    assertRefused(() -> get("x"), Status.Code.INVALID_ARGUMENT, "certificate_id: 1 characters");
    assertRefused(
        () -> verify("ABC"),
        Status.Code.INVALID_ARGUMENT,
        "candidate_weights_sha256: 3 characters (expected: 64 lower-case hexadecimal digits)");
  }

  private Certificate get(String id) {
    return mesh.safety()
        .getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build())
        .getCertificate();
  }

  private VerifyCertificateResponse verify(String weights) {
    return mesh.safety()
        .verifyCertificate(
            VerifyCertificateRequest.newBuilder()
                .setCertificateId(test.getCertificateId())
                .setCandidateWeightsSha256(weights)
                .build());
  }
}
