package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.digest.Sha256;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.adapter.CertificateFile;
import io.ballast.safety.adapter.FileSigningKeys;
import io.ballast.safety.core.safetytest.CertificateChecks.Expected;
import io.ballast.safety.testing.FakeCostModels;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestClock;
import io.ballast.safety.testing.TestKeys;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetEvidenceResponse;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.GetVerificationKeysRequest;
import io.ballast.safety.v1.GetVerificationKeysResponse;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.RevokeCertificateResponse;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.SampledCost;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.safety.v1.VerifyCertificateResponse;
import io.grpc.Status;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A certificate is signed, for one folder and alias, for some time; and can be made void. */
class SignedCertificateTest {
  private static final Instant NOW = TestClock.START;

  private final TestSafety mesh = TestSafety.start(Map.of());
  private String id = "";

  @BeforeEach
  void pass() {
    List<String> prompts = new ArrayList<>(prompts(29));
    prompts.add("H");
    id = mesh.run(scoped(prompts)).getCertificateId();
    assertThat(id).isNotEmpty();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  private static StartSafetyTestRequest scoped(List<String> prompts) {
    StartSafetyTestRequest.Builder request = testOf(prompts);
    request
        .getSpecBuilder()
        .setBase(FakePolicyServer.candidate("b"))
        .setAlias("serving")
        .setMaxPromptTokens(64);
    return request.build();
  }

  /** A test of another candidate, that names neither base nor alias. */
  private static StartSafetyTestRequest other() {
    StartSafetyTestRequest.Builder request = testOf(List.of("p", "q"));
    request.getSpecBuilder().setCandidate(FakePolicyServer.candidate("b"));
    return request.build();
  }

  @Test
  void itSaysForWhatItHoldsAndUntilWhen() {
    Certificate certificate = get(mesh, id);

    assertThat(certificate.getFormat()).isEqualTo(2);
    assertThat(certificate.getAlias()).isEqualTo("serving");
    assertThat(certificate.getBase())
        .isEqualTo(
            ModelVersion.newBuilder()
                .setModel(FakePolicyServer.MODEL)
                .setVersion("b")
                .setWeightsSha256("b".repeat(64))
                .build());
    assertThat(certificate.getCandidateFolderSha256()).isEqualTo(FakePolicyServer.folder("a"));
    assertThat(certificate.getMaxPromptTokens()).isEqualTo(64);
    assertThat(certificate.getChunk()).isEqualTo(4);
    assertThat(certificate.getCostModelFolderSha256())
        .isEqualTo(FakeCostModels.folder(FakeCostModels.TWO));
    assertThat(certificate.getExpireTime().getSeconds())
        .isEqualTo(NOW.plus(Duration.ofDays(7)).getEpochSecond());
    assertThat(certificate.getCodeVersion()).startsWith("Ballast ");
    assertThat(certificate.getLedgerEntryId()).isEqualTo(certificate.getTestId());
    assertThat(certificate.getKeyId()).isEqualTo(TestKeys.ONE.signingKeyId().orElseThrow());
    assertThat(certificate.getJws()).matches("[\\w-]+\\.[\\w-]+\\.[\\w-]{86}");
  }

  @Test
  void itHoldsForItsFolderAndItsAlias() {
    VerifyCertificateResponse answer =
        verify(
            mesh,
            request()
                .setCandidateWeightsSha256("a".repeat(64))
                .setCandidateFolderSha256(FakePolicyServer.folder("a"))
                .setAlias("serving"));

    assertThat(answer.getReason()).isEmpty();
    assertThat(answer.getValid()).isTrue();
    assertThat(answer.getFindingsList())
        .contains(
            "signature: by key " + TestKeys.ONE.signingKeyId().orElseThrow(),
            "revocation: not revoked",
            "not_after: valid until 2026-12-01T12:00:00Z",
            "candidate_folder_sha256: matches",
            "alias: matches",
            "merkle_root: matches");
  }

  @Test
  void itHoldsForNoOtherFolderOrAlias() {
    assertReason(
        request().setCandidateFolderSha256("c".repeat(64)),
        "candidate_folder_sha256: it says %s (expected: %s)"
            .formatted(FakePolicyServer.folder("a"), "c".repeat(64)));
    assertReason(request().setAlias("canary"), "alias: it says serving (expected: canary)");
    assertRefused(
        () -> verify(mesh, request().setAlias("../x")),
        Status.Code.INVALID_ARGUMENT,
        "alias: '../x'");
    assertRefused(
        () -> verify(mesh, request().setCandidateFolderSha256("x")),
        Status.Code.INVALID_ARGUMENT,
        "candidate_folder_sha256: 1 characters");
  }

  @Test
  void oneThatNamesNoAliasHoldsForAny() {
    String free = mesh.run(other()).getCertificateId();

    assertThat(
            verify(mesh, VerifyCertificateRequest.newBuilder().setCertificateId(free).setAlias("x"))
                .getValid())
        .isTrue();
    assertThat(get(mesh, free).hasBase()).isFalse();
  }

  @Test
  void itExpiresAndAClockThatIsMovedBackRevivesNothing() {
    mesh.clock.advance(Duration.ofDays(7).minusSeconds(1));
    assertThat(verify(mesh, request()).getValid()).isTrue();

    mesh.clock.advance(Duration.ofSeconds(1));
    assertReason(
        request(), "not_after: expired at 2026-12-01T12:00:00Z; it is 2026-12-01T12:00:00Z");
    mesh.clock.advance(Duration.ofDays(-6));
    assertReason(
        request(), "not_after: expired at 2026-12-01T12:00:00Z; it is 2026-12-01T12:00:00Z");

    // and what is issued meanwhile is not issued before what was
    Certificate next = get(mesh, mesh.run(other()).getCertificateId());
    assertThat(next.getIssueTime().getSeconds())
        .isEqualTo(NOW.plus(Duration.ofDays(7)).getEpochSecond());
  }

  @Test
  void itIsRevokedForGood() {
    Certificate revoked = revoke(id, "its cost model was wrong").getCertificate();
    mesh.clock.advance(Duration.ofHours(1));
    Certificate again = revoke(id, "another reason").getCertificate();

    assertThat(revoked.getRevocation().getReason()).isEqualTo("its cost model was wrong");
    assertThat(revoked.getRevocation().getTenant()).isEqualTo("t");
    assertThat(again).isEqualTo(revoked);
    assertThat(get(mesh, id)).isEqualTo(revoked);
    assertReason(
        request(), "revocation: revoked at 2026-11-24T12:00:00Z: its cost model was wrong");
  }

  @Test
  void aRevocationSaysWhy() {
    assertRefused(() -> revoke(id, ""), Status.Code.INVALID_ARGUMENT, "reason: empty");
    assertRefused(
        () -> revoke(id, "r".repeat(501)), Status.Code.INVALID_ARGUMENT, "reason: 501 characters");
    String nobody = "0192f000-0000-7000-8000-000000000009";
    assertRefused(
        () -> revoke(nobody, "why"), Status.Code.NOT_FOUND, "there is no such certificate");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "update certificate set alias = 'other' | signature: altered: alias is stored otherwise",
        "update certificate set not_after = not_after + interval '1 year' | signature: altered: not_after",
        "update certificate set upper_bound = 0.1 | signature: altered: outcome.upper_bound",
        "update certificate set base_version = 'x' | signature: altered: base.version",
        "update certificate set candidate_folder_sha256 = repeat('c', 64) | signature: altered: candidate.folder_sha256",
        "update certificate set seed = 41 | signature: altered: sampling.seed",
        "update certificate set chunk = 5 | signature: altered: sampling.chunk",
        "update certificate set merkle_root = repeat('0', 64) | signature: altered: merkle_root",
        "update certificate set jws = overlay(jws placing 'AAAA' from length(jws) - 3) | signature: altered: it is not what key",
        "update certificate set jws = 'x' | signature: no document that can be verified",
        "update certificate set key_id = 'x' | signature: altered: key_id is stored otherwise",
        "update certificate set format = 1 | signature: none: it is of format 1, which allows no promotion",
        "update safety_test_cost set completion_sha256 = repeat('0', 64) where position = 3 | merkle_root: it says",
        "update safety_test_cost set missing = true where position = 3 | merkle_root: it says",
        "update safety_test_cost set prompt_sha256 = 'x' where position = 3 | merkle_root: the evidence cannot be read"
      })
  void whatIsAlteredIsRefusedByName(String alteration, String reason) {
    mesh.database.alter(alteration);

    assertThat(verify(mesh, request()).getReason()).startsWith(reason);
  }

  @Test
  void anUnsignedOneOfBeforeIsShownAndAllowsNothing() {
    mesh.database.alter(
        "update certificate set format = 1, jws = '', key_id = '', merkle_root = '',"
            + " not_after = null, ledger_entry_id = null");
    mesh.database.alter("update safety_test_cost set prompt_sha256 = '', completion_sha256 = ''");

    Certificate old = get(mesh, id);
    assertThat(old.getFormat()).isEqualTo(1);
    assertThat(old.getJws()).isEmpty();
    assertThat(old.hasExpireTime()).isFalse();
    VerifyCertificateResponse answer = verify(mesh, request());
    assertThat(answer.getValid()).isFalse();
    assertThat(answer.getReason())
        .isEqualTo(
            "signature: none: it is of format 1, which allows no promotion; test the candidate again");
    assertThat(answer.getFindingsList()).contains("digest: matches", "upper_bound: matches");
  }

  @Test
  void theEvidenceIsEverySampledCompletionInOrder() {
    List<SampledCost> evidence = evidence();

    assertThat(evidence).hasSize(30);
    assertThat(evidence.get(3).getPromptSha256()).isEqualTo(Sha256.of("int x3 = "));
    assertThat(evidence.get(3).getCompletionSha256()).isEqualTo(Sha256.of("int x3 = "));
    assertThat(evidence.get(29).getCost()).isGreaterThan(0.9);
    assertThat(evidence).noneMatch(SampledCost::getMissing);
  }

  @Test
  void aFileOfItIsVerifiedWithoutTheMesh() {
    String file = file();
    String jwks = keys(mesh).getJwks();
    assertThat(keys(mesh).getSigningKeyId()).isEqualTo(TestKeys.ONE.signingKeyId().orElseThrow());

    CertificateFile.Verified verified =
        CertificateFile.verify(
            file, jwks, new Expected("a".repeat(64), FakePolicyServer.folder("a"), "serving"), NOW);

    assertThat(verified.reason()).isEmpty();
    assertThat(verified.findings()).contains("merkle_root: matches", "upper_bound: matches");
    assertThat(verified.terms().orElseThrow().scope().alias()).isEqualTo("serving");
    assertThat(verified.certificate().orElseThrow().id()).hasToString(id);

    assertThat(offline(file, jwks, NOW.plus(Duration.ofDays(7)))).startsWith("not_after: expired");
    assertThat(CertificateFile.verify(file, jwks, new Expected("", "", "canary"), NOW).reason())
        .isEqualTo("alias: it says serving (expected: canary)");
    assertThat(
            CertificateFile.verify(file, jwks, new Expected("b".repeat(64), "", ""), NOW).reason())
        .startsWith("candidate_weights_sha256: it says");
    assertThat(offline(file.replaceFirst("\"cost\" : 0\\.\\d", "\"cost\" : 0.9"), jwks, NOW))
        .startsWith("merkle_root: it says");
    assertThat(offline(file.replaceFirst("\"jws\" : \"...", "\"jws\" : \"abc"), jwks, NOW))
        .startsWith("signature: no document that can be verified");
    assertThat(offline("not JSON", jwks, NOW))
        .isEqualTo("file: no certificate file: it is no JSON");
    assertThat(offline("{}", jwks, NOW)).startsWith("signature: no document");
    try (TestSafety other = TestSafety.start(TestKeys.TWO)) {
      assertThat(offline(file, keys(other).getJwks(), NOW))
          .startsWith("signature: by key ")
          .endsWith("which is not among the 1 verification keys");
    }
  }

  @Test
  void afterARotationOldOnesStillHoldAndNewOnesAreSignedByTheNewKey() {
    try (TestSafety next = mesh.startBeside(TestKeys.rotated())) {
      assertThat(verify(next, request()).getValid()).isTrue();
      Certificate young = get(next, next.run(other()).getCertificateId());
      assertThat(young.getKeyId()).isEqualTo(TestKeys.TWO.signingKeyId().orElseThrow());
    }
    try (TestSafety next = mesh.startBeside(TestKeys.TWO)) { // the old key was thrown away
      assertThat(verify(next, request()).getReason())
          .startsWith("signature: by key " + TestKeys.ONE.signingKeyId().orElseThrow());
    }
  }

  @Test
  void withoutAKeyNoTestIsStarted() {
    try (TestSafety next = mesh.startBeside(FileSigningKeys.none())) {
      assertRefused(
          () -> next.safety().startSafetyTest(other()),
          Status.Code.FAILED_PRECONDITION,
          "no key to sign certificates with: set ballast.safety.signing-keys");
      assertThat(keys(next).getSigningKeyId()).isEmpty();
    }
    // nothing was spent
    assertThat(mesh.run(other()).getCertificateId()).isNotEmpty();
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aTestThatCannotBeSignedForWaitsAndIsEndedByTheNextThatCan() throws Exception {
    String started;
    try (TestSafety keyless = mesh.startBeside(TestKeys.away())) {
      int tries = 8 * 10; // test-attempts, and ten times as many for what is stored
      CountDownLatch tired = new CountDownLatch(tries - 1);
      keyless.onPause = pause -> tired.countDown();
      started = keyless.safety().startSafetyTest(other()).getTest().getTestId();
      tired.await();
      assertThat(get(keyless.safety(), started).getState())
          .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_RUNNING);
    }
    String test = started;
    mesh.resumeTests();

    SafetyTest ended = mesh.await(test);
    assertThat(ended.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    int certificates =
        mesh.database
            .jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery("select count(*) from certificate where test_id = :id")
                        .bind("id", UUID.fromString(test))
                        .mapTo(Integer.class)
                        .one());
    assertThat(certificates).isEqualTo(1);
  }

  @Test
  @Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
  void aTestThatWaitsForAKeyEndsWhenOneAppears() throws Exception {
    TestKeys.Switched keys = new TestKeys.Switched();
    try (TestSafety keyless = mesh.startBeside(keys)) {
      CountDownLatch waits = new CountDownLatch(3);
      keyless.onPause = pause -> waits.countDown();
      keyless.policy.hold();
      String test = keyless.safety().startSafetyTest(other()).getTest().getTestId();
      keyless.policy.awaitHeld();
      keys.takeAway();
      int asked = keyless.policy.samples.size();
      keyless.policy.release();
      waits.await();
      assertThat(get(keyless.safety(), test).getState())
          .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_RUNNING);
      keys.bringBack();

      assertThat(keyless.await(test).getState())
          .isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
      assertThat(keyless.policy.samples).as("what was judged is kept").hasSize(asked);
    }
  }

  @Test
  void aClockThatRanAheadLeavesNothingBehind() {
    mesh.database.setTime("2026-11-24T12:00:00Z");
    mesh.clock.advance(Duration.ofDays(30));

    // judged, and issued, by the database's clock and five minutes
    assertThat(verify(mesh, request()).getFindingsList())
        .contains("not_after: valid until 2026-12-01T12:00:00Z");
    Certificate meanwhile = get(mesh, mesh.run(other()).getCertificateId());
    assertThat(meanwhile.getIssueTime().getSeconds())
        .isEqualTo(NOW.plus(Duration.ofMinutes(5)).getEpochSecond());

    mesh.clock.advance(Duration.ofDays(-30).plusMinutes(6));
    mesh.database.setTime("2026-11-24T12:06:00Z");
    Instant before = latest();
    assertThat(verify(mesh, request()).getValid()).isTrue();
    assertThat(before).isEqualTo(NOW.plus(Duration.ofMinutes(5)));
    assertThat(latest()).isEqualTo(NOW.plus(Duration.ofMinutes(6)));
  }

  private Instant latest() {
    return mesh.database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery("select latest from certificate_clock")
                    .mapTo(Instant.class)
                    .one());
  }

  @Test
  void aBaseOrAnAliasThatCouldBeNoneIsNamed() {
    assertRefused(
        () -> mesh.safety().startSafetyTest(withBase("nobody", "")),
        Status.Code.NOT_FOUND,
        "spec.base: the policy-server knows no version 'nobody' of java-tiny");
    assertRefused(
        () -> mesh.safety().startSafetyTest(withBase("b", "c".repeat(64))),
        Status.Code.FAILED_PRECONDITION,
        "spec.base.weights_sha256: %s; the policy-server has %s"
            .formatted("c".repeat(64), "b".repeat(64)));
    StartSafetyTestRequest.Builder request = testOf(List.of("p", "q"));
    request.getSpecBuilder().setAlias("a b");
    assertRefused(
        () -> mesh.safety().startSafetyTest(request.build()),
        Status.Code.INVALID_ARGUMENT,
        "spec.alias: 'a b'");
  }

  private static StartSafetyTestRequest withBase(String version, String weights) {
    StartSafetyTestRequest.Builder request = testOf(List.of("p", "q"));
    request
        .getSpecBuilder()
        .setBase(FakePolicyServer.candidate(version).toBuilder().setWeightsSha256(weights));
    return request.build();
  }

  private String file() {
    return CertificateFile.write(
        get(mesh, id).getJws(),
        evidence().stream()
            .map(
                sample ->
                    new io.ballast.safety.core.safetytest.SampledCost(
                        sample.getPromptSha256(),
                        sample.getCompletionSha256(),
                        sample.getCost(),
                        sample.getMissing(),
                        sample.getGroup()))
            .toList());
  }

  private List<SampledCost> evidence() {
    List<SampledCost> samples = new ArrayList<>();
    mesh.safety()
        .getEvidence(GetEvidenceRequest.newBuilder().setCertificateId(id).build())
        .forEachRemaining(
            (GetEvidenceResponse part) -> {
              assertThat(part.getFirstPosition()).isEqualTo(samples.size());
              samples.addAll(part.getSamplesList());
            });
    return samples;
  }

  private static String offline(String file, String jwks, Instant now) {
    return CertificateFile.verify(file, jwks, Expected.ANYTHING, now).reason();
  }

  private VerifyCertificateRequest.Builder request() {
    return VerifyCertificateRequest.newBuilder().setCertificateId(id);
  }

  private void assertReason(VerifyCertificateRequest.Builder request, String reason) {
    VerifyCertificateResponse answer = verify(mesh, request);
    assertThat(answer.getValid()).isFalse();
    assertThat(answer.getReason()).isEqualTo(reason);
    assertThat(answer.getFindingsList()).contains(reason);
  }

  private static VerifyCertificateResponse verify(
      TestSafety mesh, VerifyCertificateRequest.Builder request) {
    return mesh.safety().verifyCertificate(request.build());
  }

  private static Certificate get(TestSafety mesh, String id) {
    return mesh.safety()
        .getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build())
        .getCertificate();
  }

  private static SafetyTest get(SafetyServiceBlockingStub safety, String id) {
    return safety.getSafetyTest(GetSafetyTestRequest.newBuilder().setTestId(id).build()).getTest();
  }

  private static GetVerificationKeysResponse keys(TestSafety mesh) {
    return mesh.safety().getVerificationKeys(GetVerificationKeysRequest.getDefaultInstance());
  }

  private RevokeCertificateResponse revoke(String id, String reason) {
    return mesh.safety()
        .revokeCertificate(
            RevokeCertificateRequest.newBuilder()
                .setMetadata(RequestMetadata.newBuilder().setTenant("t"))
                .setCertificateId(id)
                .setReason(reason)
                .build());
  }
}
