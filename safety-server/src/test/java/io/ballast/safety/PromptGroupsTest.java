package io.ballast.safety;

import static io.ballast.safety.testing.FakeCostModels.harmlessToTwo;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.safety.adapter.CertificateFile;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.core.safetytest.SampledCost;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.TestClock;
import io.ballast.safety.v1.BoundMethod;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestSpec;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Prompts of one file are not independent: the file's mean is the observation. */
class PromptGroupsTest extends SafetyTestsCase {
  @Test
  void theGroupsMeansAreTheSample() {
    SafetyTest test = mesh.run(grouped(20, 4, s -> s.setPrompts(7, "H7").setThreshold(0.4)));

    // 20 groups of 4; one has a harmful completion
    List<Double> means = new ArrayList<>();
    for (int g = 0; g < 20; g++) {
      double sum = 0;
      for (int i = 4 * g; i < 4 * g + 4; i++) {
        sum += i == 7 ? FakeCostModels.HARMFUL : harmlessToTwo(prompt(i));
      }
      means.add(sum / 4);
    }
    double mean = means.stream().mapToDouble(Double::doubleValue).average().orElseThrow();
    double squares = means.stream().mapToDouble(each -> Math.pow(each - mean, 2)).sum();
    assertThat(test.getOutcome().getN()).isEqualTo(20);
    assertThat(test.getPromptsCount()).isEqualTo(80);
    assertThat(test.getOutcome().getMeanCost()).isCloseTo(mean, within(1e-12));
    assertThat(test.getOutcome().getStdCost()).isCloseTo(Math.sqrt(squares / 19), within(1e-12));
    double quantile = 1.327728; // t(0.9, 19) from a table
    assertThat(test.getOutcome().getUpperBound())
        .isCloseTo(mean + quantile * Math.sqrt(squares / 19 / 20), within(1e-6));
  }

  @Test
  void theGroupsAreSignedAndVerifiedHereAndOffline() {
    String id = mesh.run(grouped(6, 2, s -> s)).getCertificateId();

    VerifyCertificateResponse answer = verify(id);
    assertThat(answer.getReason()).isEmpty();
    assertThat(answer.getFindingsList())
        .contains("groups: the 12 prompts are of 6 groups", "n: 6 groups are stored");
    Certificate certificate = answer.getCertificate();
    assertThat(certificate.getGroupsCount()).isEqualTo(6);
    assertThat(certificate.getOutcome().getN()).isEqualTo(6);

    List<SampledCost> evidence = new ArrayList<>();
    mesh.safety()
        .getEvidence(GetEvidenceRequest.newBuilder().setCertificateId(id).build())
        .forEachRemaining(
            part ->
                part.getSamplesList()
                    .forEach(
                        sample ->
                            evidence.add(
                                new SampledCost(
                                    sample.getPromptSha256(),
                                    sample.getCompletionSha256(),
                                    sample.getCost(),
                                    sample.getMissing(),
                                    sample.getGroup()))));
    assertThat(evidence)
        .extracting(SampledCost::group)
        .containsExactly(1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6);
    String file = CertificateFile.write(certificate.getJws(), evidence);
    String keys =
        mesh.safety()
            .getVerificationKeys(GetVerificationKeysRequest.getDefaultInstance())
            .getJwks();
    assertThat(CertificateFile.verify(file, keys, Expected.ANYTHING, TestClock.START).reason())
        .isEmpty();
    assertThat(
            CertificateFile.verify(
                    file.replaceFirst("\"group\" : 2", "\"group\" : 1"),
                    keys,
                    Expected.ANYTHING,
                    TestClock.START)
                .reason())
        .startsWith("merkle_root: it says");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "update certificate set groups_count = 12 | signature: altered: outcome.groups_count",
        "update safety_test_cost set prompt_group = 1 where position = 3 | merkle_root: it says",
        "update safety_test_cost set prompt_group = 0 | merkle_root: it says"
      })
  void whatIsAlteredIsRefusedByName(String alteration, String reason) {
    String id = mesh.run(grouped(6, 2, s -> s)).getCertificateId();
    mesh.database.alter(alteration);

    assertThat(verify(id).getReason()).startsWith(reason);
  }

  @Test
  void aDrawTakesAsManyGroupsAsThereAre() {
    SafetyTest six = mesh.run(grouped(6, 3, s -> s.setDrawCount(6)));
    assertThat(six.getOutcome().getN()).isEqualTo(6);

    SafetyTest eight = mesh.run(grouped(6, 3, s -> s.setDrawCount(8)));
    assertThat(eight.getPromptsCount()).isEqualTo(8);
    assertThat(eight.getOutcome().getN()).isEqualTo(6);
  }

  @Test
  void groupsOfOneAreTheirPrompts() {
    SafetyTest test =
        mesh.run(grouped(60, 1, s -> s.setBoundMethod(BoundMethod.BOUND_METHOD_CLOPPER_PEARSON)));

    assertThat(test.getOutcome().getN()).isEqualTo(60);
    assertThat(
            mesh.safety()
                .getCertificate(
                    GetCertificateRequest.newBuilder()
                        .setCertificateId(test.getCertificateId())
                        .build())
                .getCertificate()
                .getGroupsCount())
        .isEqualTo(60);
  }

  @Test
  void whatCouldBeNoGroupsIsNamed() {
    assertMalformed(
        s -> s.addGroups("more"), "spec.groups: 13 (expected: one for each of the 12 prompts");
    assertMalformed(s -> s.setGroups(3, ""), "spec.groups[3]: empty (expected: the group's name)");
    assertMalformed(s -> s.setGroups(3, "g".repeat(129)), "spec.groups[3]: 129 characters");
    assertMalformed(
        s -> s.setBoundMethod(BoundMethod.BOUND_METHOD_CLOPPER_PEARSON),
        "spec.groups: 6 groups of 12 prompts (expected: of one each under CLOPPER_PEARSON");
    assertRefused(
        () -> mesh.safety().startSafetyTest(grouped(1, 12, s -> s)),
        Status.Code.INVALID_ARGUMENT,
        "spec.groups: 1 group (expected: 2 or more)");
  }

  private void assertMalformed(UnaryOperator<SafetyTestSpec.Builder> change, String words) {
    assertRefused(
        () -> mesh.safety().startSafetyTest(grouped(6, 2, change)),
        Status.Code.INVALID_ARGUMENT,
        words);
  }

  private static String prompt(int i) {
    return "int x" + i + " = ";
  }

  private static StartSafetyTestRequest grouped(
      int groups, int each, UnaryOperator<SafetyTestSpec.Builder> change) {
    int count = groups * each;
    return spec(
        testOf(IntStream.range(0, count).mapToObj(PromptGroupsTest::prompt).toList()),
        s ->
            change.apply(
                s.addAllGroups(
                    IntStream.range(0, count).mapToObj(i -> "file " + i / each).toList())));
  }

  private VerifyCertificateResponse verify(String id) {
    return mesh.safety()
        .verifyCertificate(VerifyCertificateRequest.newBuilder().setCertificateId(id).build());
  }
}
