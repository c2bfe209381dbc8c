package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.kit.grpc.Timestamps;
import io.ballast.mesh.v1.ModelVersion;
import io.ballast.policy.testing.FakeCertificates;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestClock;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.PromoteAliasRequest;
import io.ballast.policy.v1.RegisterVersionRequest;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.ballast.safety.v1.Certificate;
import io.ballast.safety.v1.CertificateRevocation;
import io.ballast.safety.v1.RedeemCertificateRequest;
import io.ballast.safety.v1.Redemption;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * An alias moves by a certificate that holds for exactly this move, which the policy-server asks of
 * the safety-server twice and requires by itself.
 */
class CertificateGateTest {
  private static final String ID = "c";
  private static final String REFUSED = "certificate c does not allow version 2 of java-tiny: ";
  private static final String TWO = "java-tiny/2 with weights " + FakeModels.sha256("2");
  private static final String ONE = "java-tiny/1 with weights " + FakeModels.sha256("1");

  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  CertificateGateTest() {
    models.publish("2", request -> "suggestion by 2;");
    mesh = TestMesh.start(models);
  }

  @BeforeEach
  void certify() {
    var unused =
        mesh.versions()
            .registerVersion(RegisterVersionRequest.newBuilder().setVersion("2").build());
    mesh.safety.certificates.issue(ID, "2", "1");
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void theSafetyServerIsToldEverythingOfTheMove() {
    PolicyAlias moved = promote();

    RedeemCertificateRequest redeemed = mesh.safety.certificates.redeemed.getFirst();
    assertThat(redeemed.getCertificateId()).isEqualTo(ID);
    assertThat(redeemed.getAlias()).isEqualTo("serving");
    assertThat(redeemed.getCandidate()).isEqualTo(FakeCertificates.version("2"));
    assertThat(redeemed.getCandidateFolderSha256())
        .isEqualTo(FakeModels.folderSha256Of("java-tiny", "2"));
    assertThat(redeemed.getBase()).isEqualTo(FakeCertificates.version("1"));
    assertThat(redeemed.getAliasRevision()).isEqualTo(1);
    assertThat(redeemed.getMetadata().getIdempotencyKey()).startsWith("move-");
    assertThat(moved.getMoves(0).getRedemptionId())
        .isEqualTo("leave-" + redeemed.getMetadata().getIdempotencyKey());
    assertThat(moved.getMoves(1).getRedemptionId()).isEmpty();
  }

  /** What a certificate may say, and what the policy-server says to that, whatever it is told. */
  static Stream<Arguments> wrongCertificates() {
    return Stream.of(
        wrong("format: 1 (expected: 2, signed)", c -> c.setFormat(1)),
        wrong("jws: none in compact form (expected: the signed document)", c -> c.setJws("")),
        wrong("certificate_id: 'other' (expected: 'c')", c -> c.setCertificateId("other")),
        wrong(
            "it names twin/2 with weights %s, this is %s".formatted(FakeModels.sha256("2"), TWO),
            c -> c.setCandidate(FakeCertificates.version("2").toBuilder().setModel("twin"))),
        wrong(
            "it names java-tiny/2b with weights %s, this is %s"
                .formatted(FakeModels.sha256("2"), TWO),
            c -> c.setCandidate(FakeCertificates.version("2").toBuilder().setVersion("2b"))),
        wrong(
            "it names java-tiny/2 with weights %s, this is %s"
                .formatted(FakeModels.sha256("3"), TWO),
            c ->
                c.setCandidate(
                    FakeCertificates.version("2").toBuilder()
                        .setWeightsSha256(FakeModels.sha256("3")))),
        wrong(
            "candidate_folder_sha256: 'other' (expected: '%s')"
                .formatted(FakeModels.folderSha256Of("java-tiny", "2")),
            c -> c.setCandidateFolderSha256("other")),
        wrong("alias: 'staging' (expected: 'serving')", c -> c.setAlias("staging")),
        wrong(
            "base: it was compared with java-tiny/0 with weights %s, serving serves %s"
                .formatted(FakeModels.sha256("0"), ONE),
            c -> c.setBase(FakeCertificates.version("0"))),
        wrong("base: it was compared with nothing, serving serves " + ONE, c -> c.clearBase()),
        wrong(
            "revocation: revoked: a leak",
            c -> c.setRevocation(CertificateRevocation.newBuilder().setReason("a leak"))),
        wrong(
            "expire_time: 2026-11-24T12:00:00Z (expected: after 2026-11-24T12:00:00Z)",
            c -> c.setExpireTime(Timestamps.of(TestClock.START))),
        wrong(
            "expire_time: absent (expected: after 2026-11-24T12:00:00Z)",
            c -> c.clearExpireTime()));
  }

  private static Arguments wrong(String message, UnaryOperator<Certificate.Builder> change) {
    return Arguments.of(message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongCertificates")
  void aSafetyServerThatCallsAWrongCertificateValidOpensNothing(
      String message, UnaryOperator<Certificate.Builder> change) {
    mesh.safety.certificates.lies = true;
    mesh.safety.certificates.change(ID, change);

    assertRefused(message);
    assertThat(mesh.safety.certificates.redeemed).isEmpty();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongCertificates")
  void whatBecomesWrongBeforeItIsRedeemedOpensNothing(
      String message, UnaryOperator<Certificate.Builder> change) {
    mesh.safety.certificates.lies = true;
    onSecondCall(() -> mesh.safety.certificates.change(ID, change));

    assertRefused(message);
    assertThat(mesh.safety.certificates.redeemed).hasSize(1);
  }

  static Stream<Arguments> wrongLeaves() {
    return Stream.of(
        wrongLeave("redemption_id: empty (expected: the leave's id)", r -> r.clearRedemptionId()),
        wrongLeave("redemption.alias: 'staging' (expected: 'serving')", r -> r.setAlias("staging")),
        wrongLeave(
            "redemption.base: '/ with weights ' (expected: '%s')".formatted(ONE),
            r -> r.setBase(ModelVersion.getDefaultInstance())),
        wrongLeave("redemption.alias_revision: '2' (expected: '1')", r -> r.setAliasRevision(2)),
        wrongLeave(
            "redemption.expire_time: 2026-11-24T12:00:00Z (expected: after 2026-11-24T12:00:00Z)",
            r -> r.setExpireTime(Timestamps.of(TestClock.START))));
  }

  private static Arguments wrongLeave(String message, UnaryOperator<Redemption.Builder> change) {
    return Arguments.of(message, change);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongLeaves")
  void aLeaveForAnotherMoveOpensNothing(String message, UnaryOperator<Redemption.Builder> change) {
    mesh.safety.certificates.leave = change;

    assertRefused(message);
  }

  @Test
  void aRevocationWhileTheVersionWasLoadedIsSeen() {
    onSecondCall(() -> mesh.safety.certificates.revoke(ID, "a leak"));

    assertRefused("certificate c cannot be redeemed: revocation: a leak");
  }

  @Test
  void aSafetyServerThatGoesAwayMeanwhileOpensNothing() {
    onSecondCall(() -> mesh.safety.down = true);

    assertFails(
        this::promote,
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the safety-server could not redeem certificate c: UNAVAILABLE");
    assertThat(serving().getRevision()).isEqualTo(1);
  }

  @Test
  void aCertificateServesOneMove() {
    promote();
    var unused = mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance());

    assertFails(
        this::promote,
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        REFUSED
            + "it has moved serving before, to revision 2 at 2026-11-24T12:00:00Z (expected: a certificate that has not)");
    assertThat(serving().getRevision()).isEqualTo(3);
    assertThat(mesh.safety.certificates.redeemed).as("the moves on record say so").hasSize(1);
  }

  @Test
  void aLeaveThatSomebodyElseTookForAnotherRevisionSpendsNothing() {
    var unused =
        mesh.safety.certificates.redeem(
            RedeemCertificateRequest.newBuilder()
                .setMetadata(TestMesh.metadata("t", "stranger"))
                .setCertificateId(ID)
                .setAlias("serving")
                .setCandidate(FakeCertificates.version("2"))
                .setCandidateFolderSha256(FakeModels.folderSha256Of("java-tiny", "2"))
                .setBase(FakeCertificates.version("1"))
                .setAliasRevision(999)
                .build());
    assertRefused("certificate c cannot be redeemed: alias: it is redeemed for it");

    mesh.clock.advance(Duration.between(mesh.clock.instant(), mesh.safety.certificates.leaveEnd));
    mesh.safety.certificates.leaveEnd = mesh.safety.certificates.leaveEnd.plusSeconds(60);
    mesh.safety.certificates.change(
        ID,
        certificate -> certificate.setExpireTime(Timestamps.of(mesh.safety.certificates.leaveEnd)));
    assertThat(promote().getVersion()).isEqualTo("2");
  }

  @Test
  void aLeaveThatHasEndedByTheDatabasesClockMovesNothingAndSpendsNothing() {
    mesh.clock.advance(Duration.ofDays(-3_650)); // this computer's clock is far behind PostgreSQL's
    mesh.safety.certificates.leaveEnd = mesh.clock.instant().plusSeconds(60);

    assertFails(
        this::promote,
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the leave of certificate c has ended by the database's clock before alias serving of java-tiny was moved: nothing was, try again");
    assertThat(serving().getRevision()).isEqualTo(1);

    mesh.clock.advance(Duration.ofDays(3_650));
    mesh.safety.certificates.leaveEnd = FakeCertificates.FAR;
    assertThat(promote().getMoves(0).getRedemptionId()).startsWith("leave-").endsWith("-2");
  }

  @Test
  void aMoveIsMadeAfterItsLeaveWasGiven() {
    onSecondCall(() -> mesh.clock.advance(Duration.ofSeconds(5)));

    assertThat(Timestamps.instant(promote().getMoves(0).getMoveTime()))
        .isEqualTo(TestClock.START.plusSeconds(5));
  }

  /** Runs between the verification and the redemption of the next promotion. */
  private void onSecondCall(Runnable action) {
    AtomicInteger calls = new AtomicInteger();
    mesh.safety.beforeCertificates =
        () -> {
          if (calls.incrementAndGet() == 2) {
            action.run();
          }
        };
  }

  private void assertRefused(String message) {
    assertFails(
        this::promote,
        Status.Code.FAILED_PRECONDITION,
        Fault.SAFETY_GATE_CLOSED,
        REFUSED + message);
    assertThat(serving().getVersion()).isEqualTo("1");
    assertThat(serving().getRevision()).isEqualTo(1);
  }

  private PolicyAlias promote() {
    return mesh.versions()
        .promoteAlias(
            PromoteAliasRequest.newBuilder()
                .setExpectedVersion("1")
                .setNewVersion("2")
                .setCertificateId(ID)
                .build())
        .getAlias();
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }
}
