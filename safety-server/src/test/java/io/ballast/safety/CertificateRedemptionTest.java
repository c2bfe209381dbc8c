package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertFails;
import static io.ballast.testing.Refusals.assertMalformed;
import static io.ballast.testing.Refusals.assertRefused;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.common.util.concurrent.ListenableFuture;
import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.error.Fault;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.FakePolicyServer;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.RedeemCertificateResponse;
import io.ballast.safety.v1.Redemption;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.StartSafetyTestRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.function.UnaryOperator;
import org.jdbi.v3.core.Handle;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.Timeout.ThreadMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A certificate gives leave to move one alias once, from what it names to what it names. */
@Timeout(value = 60, threadMode = ThreadMode.SEPARATE_THREAD)
class CertificateRedemptionTest {
  private static final String BASE =
      "java-tiny b, weights " + "b".repeat(64) + ", which serving serves";

  private final TestSafety mesh = TestSafety.start(Map.of());
  private String id = "";

  @BeforeEach
  void pass() {
    StartSafetyTestRequest.Builder request = testOf(prompts(30));
    request.getSpecBuilder().setBase(FakePolicyServer.candidate("b")).setAlias("serving");
    id = mesh.run(request.build()).getCertificateId();
    assertThat(id).isNotEmpty();
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void itGivesLeaveForAMinuteAndTheSameKeyGetsTheSame() {
    Redemption given = redeem(UnaryOperator.identity());

    assertThat(given.getCertificate().getCertificateId()).isEqualTo(id);
    assertThat(given.getAlias()).isEqualTo("serving");
    assertThat(given.getAliasRevision()).isEqualTo(3);
    assertThat(given.getBase()).isEqualTo(pinned("b"));
    assertThat(given.getExpireTime().getSeconds() - given.getRedeemTime().getSeconds())
        .isEqualTo(60);
    assertThat(UUID.fromString(given.getRedemptionId()).version()).isEqualTo(7);

    mesh.clock.advance(Duration.ofSeconds(59));
    assertThat(redeem(UnaryOperator.identity())).isEqualTo(given);
    assertMalformed(
        () -> redeem(request -> request.setAliasRevision(4)),
        "metadata.idempotency_key: used for another move, %s at 2026-11-24T12:00:00Z, from revision 3 of serving"
            .formatted(given.getRedemptionId()));
  }

  @Test
  void aLeaveIsToldOnceInTheAuditTrail() {
    Redemption given = redeem(UnaryOperator.identity());
    assertThat(redeem(UnaryOperator.identity())).isEqualTo(given);

    List<AuditEntry> entries = new PostgresAudit("safety", mesh.database).after(0, 10);
    AuditChain chain = new AuditChain();
    assertThat(entries).hasSize(2).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries.get(0).content()).contains("\"action\": \"certificate.issue\"");
    assertThat(entries.get(1).content())
        .contains(
            "\"action\": \"certificate.redeem\"",
            "\"subject\": \"" + id + "\"",
            "\"tenant\": \"t\"",
            "\"redemption_id\": \"" + given.getRedemptionId() + "\"",
            "\"alias\": \"serving\"",
            "\"alias_revision\": 3");
  }

  @Test
  void anotherKeyGetsNoneForTheSameAlias() {
    Redemption given = redeem(UnaryOperator.identity());

    assertClosed(
        () -> redeem(request -> keyed(request, "other")),
        "alias: serving at revision 3: it is redeemed for it until 2026-11-24T12:01:00Z, %s at 2026-11-24T12:00:00Z, from revision 3 of serving (expected: no leave that holds)"
            .formatted(given.getRedemptionId()));
    assertRefused(
        () -> redeem(request -> request.setMetadata(caller("u", "key"))),
        Status.Code.FAILED_PRECONDITION,
        "it is redeemed for it until ");
  }

  /** That a certificate moves an alias once is seen where the moves are on record. */
  @Test
  void aLeaveThatHasEndedHasSpentNothing() {
    Redemption wrong = redeem(request -> keyed(request, "stranger").setAliasRevision(999));
    mesh.clock.advance(Duration.ofSeconds(60));

    Redemption next = redeem(UnaryOperator.identity());
    assertThat(next.getRedemptionId()).isNotEqualTo(wrong.getRedemptionId());
    assertThat(next.getAliasRevision()).isEqualTo(3);

    mesh.clock.advance(
        Duration.ofSeconds(60)); // whoever could not make the move in time tries again
    assertThat(redeem(UnaryOperator.identity()).getRedemptionId())
        .isNotEqualTo(next.getRedemptionId());
  }

  @Test
  void aKeyNamesOneMove() {
    Redemption given = redeem(UnaryOperator.identity());
    StartSafetyTestRequest.Builder another = testOf(List.of("p", "q", "r"));
    another.getSpecBuilder().setCandidate(FakePolicyServer.candidate("a-renamed"));
    another.getSpecBuilder().setBase(FakePolicyServer.candidate("b"));
    mesh.policy.register("a-renamed", "d".repeat(64));
    String other = mesh.run(another.build()).getCertificateId();
    assertThat(other).isNotEmpty();

    mesh.clock.advance(Duration.ofSeconds(60)); // whether or not its leave has ended
    assertMalformed(
        () ->
            redeem(
                request ->
                    request
                        .setCertificateId(other)
                        .setCandidate(version("a-renamed", "d"))
                        .setCandidateFolderSha256(FakePolicyServer.folder("a-renamed"))),
        "metadata.idempotency_key: used for another move, %s at 2026-11-24T12:00:00Z, from revision 3 of serving"
            .formatted(given.getRedemptionId()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "9, tenant, idempotency_key | key key of tenant t names another move",
        "alias_revision, tenant, 'other' | has a leave for serving that holds"
      })
  void whatCodeForgetsOfLeavesTheDatabaseRefuses(String said, String message) {
    var unused = redeem(UnaryOperator.identity());

    assertThatThrownBy(
            () ->
                mesh.database
                    .jdbi()
                    .useHandle(
                        handle ->
                            handle.execute(
                                """
                                insert into certificate_redemption (redemption_id, certificate_id,
                                  alias, ordinal, candidate_folder_sha256, base_model, base_version,
                                  base_sha256, redeemed_at, expires_at, alias_revision, tenant,
                                  idempotency_key)
                                select gen_random_uuid(), certificate_id, alias, 2,
                                  candidate_folder_sha256, base_model, base_version, base_sha256,
                                  redeemed_at, expires_at, """
                                    + said
                                    + " from certificate_redemption")))
        .hasMessageContaining(message);
  }

  @Test
  void itIsForExactlyWhatItSays() {
    assertClosed(
        () -> redeem(request -> request.setCandidate(version("c", "a"))),
        "candidate: it says java-tiny a, weights %1$s (expected: java-tiny c, weights %1$s)"
            .formatted("a".repeat(64)));
    assertClosed(
        () -> redeem(request -> request.setCandidate(version("a", "c"))),
        "candidate: it says java-tiny a, weights %s (expected: java-tiny a, weights %s)"
            .formatted("a".repeat(64), "c".repeat(64)));
    assertClosed(
        () -> redeem(request -> request.setCandidateFolderSha256("c".repeat(64))),
        "candidate_folder_sha256: it says %s (expected: %s)"
            .formatted(FakePolicyServer.folder("a"), "c".repeat(64)));
    assertClosed(
        () -> redeem(RedeemCertificateRequest.Builder::clearCandidateFolderSha256),
        "candidate_folder_sha256: it says %s (expected: none)"
            .formatted(FakePolicyServer.folder("a")));
    assertClosed(
        () -> redeem(request -> request.setAlias("canary")),
        "alias: it says serving (expected: canary)");
    // nothing was redeemed
    assertThat(redeem(UnaryOperator.identity()).getRedemptionId()).isNotEmpty();
  }

  @Test
  void itIsForTheBaseThatItNames() {
    assertClosed(
        () -> redeem(request -> request.setBase(version("d", "b"))),
        "base: it says java-tiny b, weights %1$s (expected: java-tiny d, weights %1$s, which serving serves)"
            .formatted("b".repeat(64)));
    assertClosed(
        () -> redeem(request -> request.setBase(version("b", "d"))),
        "base: it says java-tiny b, weights %s (expected: java-tiny b, weights %s, which serving serves)"
            .formatted("b".repeat(64), "d".repeat(64)));
    assertClosed(
        () -> redeem(RedeemCertificateRequest.Builder::clearBase),
        "base: it says java-tiny b, weights %s (expected: none: serving serves nothing)"
            .formatted("b".repeat(64)));
  }

  @Test
  void oneWithoutABaseIsForAnAliasThatServesNothing() {
    String free = mesh.run(testOf(List.of("p", "q")).build()).getCertificateId();

    assertFails(
        () -> redeem(request -> request.setCertificateId(free)),
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate %s cannot be redeemed: base: it says none, so it can be redeemed only where the alias serves nothing (expected: %s)"
            .formatted(free, BASE));
    assertThat(
            redeem(request -> request.setCertificateId(free).clearBase().setAliasRevision(0))
                .hasBase())
        .isFalse();
  }

  @Test
  void anExpiredOneGivesNoneAndNoLeaveOutlivesItsCertificate() {
    mesh.clock.advance(Duration.ofDays(7).minusSeconds(20));
    Redemption late = redeem(UnaryOperator.identity());
    assertThat(late.getExpireTime()).isEqualTo(late.getCertificate().getExpireTime());

    mesh.clock.advance(Duration.ofSeconds(20));
    assertClosed(
        () -> redeem(UnaryOperator.identity()),
        "not_after: expired at 2026-12-01T12:00:00Z; it is 2026-12-01T12:00:00Z");
    mesh.clock.advance(Duration.ofDays(-1)); // revives nothing
    assertClosed(
        () -> redeem(request -> keyed(request, "other")),
        "not_after: expired at 2026-12-01T12:00:00Z; it is 2026-12-01T12:00:00Z");
  }

  @Test
  void aRevokedOneGivesNoneNotEvenAgain() {
    Redemption given = redeem(UnaryOperator.identity());
    revoke();

    assertThat(given.getCertificate().hasRevocation()).isFalse();
    assertClosed( // the same key does not get the same leave any more
        () -> redeem(UnaryOperator.identity()),
        "revocation: revoked at 2026-11-24T12:00:00Z: why not");
    mesh.clock.advance(Duration.ofSeconds(60));
    assertClosed(
        () -> redeem(UnaryOperator.identity()),
        "revocation: revoked at 2026-11-24T12:00:00Z: why not");
  }

  @Test
  void aRevocationOnItsWayIsWaitedFor() throws Exception {
    ListenableFuture<RedeemCertificateResponse> redeeming;
    try (Handle other = mesh.database.jdbi().open()) {
      other.begin();
      other.execute(
          "insert into certificate_revocation (certificate_id, revoked_at, reason, tenant)"
              + " values (?, now(), 'just now', 't')",
          UUID.fromString(id));
      redeeming = mesh.safetyAsync().redeemCertificate(request().build());
      awaitALock();
      other.commit();
    }
    assertThatThrownBy(redeeming::get)
        .isInstanceOf(ExecutionException.class)
        .hasMessageContaining("revocation: revoked at")
        .hasMessageContaining("just now");
  }

  @Test
  void ofManyKeysOneGetsLeave() throws Exception {
    List<ListenableFuture<RedeemCertificateResponse>> all = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      all.add(mesh.safetyAsync().redeemCertificate(keyed(request(), "key-" + i).build()));
    }
    int given = 0;
    for (ListenableFuture<RedeemCertificateResponse> each : all) {
      try {
        var unused = each.get();
        given++;
      } catch (ExecutionException e) {
        assertThat(e).hasMessageContaining("it is redeemed for it until ");
      }
    }
    assertThat(given).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "update certificate set alias = 'other' | signature: altered: alias is stored otherwise than it was signed",
        "update certificate set format = 1 | signature: none: it is of format 1, which allows no promotion; test the candidate again",
        "update safety_test_cost set cost = 0.01 where position = 3 | merkle_root: it says",
      })
  void anAlteredOneGivesNone(String alteration, String reason) {
    mesh.database.alter(alteration);

    assertRefused(
        () -> redeem(UnaryOperator.identity()),
        Status.Code.FAILED_PRECONDITION,
        "certificate %s cannot be redeemed: %s".formatted(id, reason));
  }

  @ParameterizedTest
  @CsvSource({
    "update certificate_redemption set expires_at = expires_at + interval '1 day'",
    "delete from certificate_redemption",
    "truncate certificate_redemption"
  })
  void whatWasRedeemedIsOnRecordForGood(String alteration) {
    var unused = redeem(UnaryOperator.identity());

    assertThatThrownBy(() -> mesh.database.jdbi().useHandle(handle -> handle.execute(alteration)))
        .hasMessageContaining("rows of certificate_redemption are on record for good");
  }

  @Test
  void whatCouldBeNoMoveIsNamed() {
    assertMalformed(
        () -> redeem(request -> keyed(request, "")),
        "metadata.idempotency_key: empty (expected: a key that names the move)");
    assertMalformed(
        () -> redeem(request -> request.setAliasRevision(-1)),
        "alias_revision: -1 (expected: ≥ 0)");
    assertMalformed(
        () -> redeem(request -> request.setBase(FakePolicyServer.candidate("b"))),
        "base.weights_sha256: empty (expected: 64 lower-case hexadecimal digits)");
    assertRefused(
        () -> redeem(request -> request.setAlias("")), Status.Code.INVALID_ARGUMENT, "alias: ''");
    assertRefused(
        () -> redeem(request -> request.setCandidateFolderSha256("x")),
        Status.Code.INVALID_ARGUMENT,
        "candidate_folder_sha256: 1 characters");
    assertRefused(
        () -> redeem(request -> request.setCertificateId("0192f000-0000-7000-8000-000000000009")),
        Status.Code.NOT_FOUND,
        "there is no such certificate");
  }

  private void assertClosed(
      org.assertj.core.api.ThrowableAssert.ThrowingCallable call, String flaw) {
    assertFails(
        call,
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        "certificate %s cannot be redeemed: %s".formatted(id, flaw));
  }

  private Redemption redeem(UnaryOperator<RedeemCertificateRequest.Builder> change) {
    return mesh.safety().redeemCertificate(change.apply(request()).build()).getRedemption();
  }

  private RedeemCertificateRequest.Builder request() {
    return RedeemCertificateRequest.newBuilder()
        .setMetadata(caller("t", "key"))
        .setCertificateId(id)
        .setAlias("serving")
        .setCandidate(pinned("a"))
        .setCandidateFolderSha256(FakePolicyServer.folder("a"))
        .setBase(pinned("b"))
        .setAliasRevision(3);
  }

  private static RedeemCertificateRequest.Builder keyed(
      RedeemCertificateRequest.Builder request, String key) {
    return request.setMetadata(caller("t", key));
  }

  private static RequestMetadata.Builder caller(String tenant, String key) {
    return RequestMetadata.newBuilder().setTenant(tenant).setIdempotencyKey(key);
  }

  private static ModelVersion pinned(String version) {
    return version(version, version).build();
  }

  private static ModelVersion.Builder version(String version, String letter) {
    return FakePolicyServer.candidate(version).toBuilder().setWeightsSha256(letter.repeat(64));
  }

  private void revoke() {
    var unused =
        mesh.safety()
            .revokeCertificate(
                RevokeCertificateRequest.newBuilder()
                    .setCertificateId(id)
                    .setReason("why not")
                    .build());
  }

  /** Waits until a transaction waits for another's lock. */
  private void awaitALock() {
    while (mesh.database
            .jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery("select count(*) from pg_locks where not granted")
                        .mapTo(Integer.class)
                        .one())
        == 0) {
      Thread.onSpinWait();
    }
  }
}
