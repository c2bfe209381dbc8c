package io.ballast.policy;

import static io.ballast.policy.testing.Refusals.assertFails;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.error.Fault;
import io.ballast.policy.testing.FakeModels;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.ListAliasesRequest;
import io.ballast.policy.v1.PolicyAlias;
import io.ballast.policy.v1.RollBackAliasRequest;
import io.grpc.Status;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A rollback goes to what served before and whose certificate was not revoked since. */
class RollbackTest {
  private final FakeModels models = new FakeModels();
  private final TestMesh mesh;

  RollbackTest() {
    models.publish("2", request -> "suggestion by 2;");
    models.publish("3", request -> "suggestion by 3;");
    mesh = TestMesh.start(models);
  }

  @BeforeEach
  void promoteTwice() {
    Promotions.promote(mesh, "1", "2");
    Promotions.promote(mesh, "2", "3");
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void whatWasRevokedIsPassedOver() {
    mesh.safety.certificates.revoke("certificate-of-2", "a leak");

    assertThat(rollBack().getVersion()).isEqualTo("1");
    assertThat(mesh.suggest("a").getText()).isEqualTo("suggestion by 1;");
  }

  @Test
  void whereAllWereRevokedThereIsNothingToRollBackTo() {
    Promotions.promote(mesh, "3", "1");
    mesh.safety.certificates.revoke("certificate-of-2", "a leak");
    mesh.safety.certificates.revoke("certificate-of-3", "a bad judge");

    assertFails(
        this::rollBack,
        Status.Code.FAILED_PRECONDITION,
        Fault.PRECONDITION_FAILED,
        "no version served before 1 as serving of java-tiny that may again, certificate certificate-of-3 of version 3: revoked: a bad judge, certificate certificate-of-2 of version 2: revoked: a leak: there is nothing to roll back to");
  }

  @Test
  void whatHasEndedSinceIsNot() {
    mesh.clock.advance(Duration.ofDays(30));

    assertThat(rollBack().getVersion()).isEqualTo("2");
  }

  @Test
  void withoutTheSafetyServerOnlyTheFirstVersionIsGoneBackTo() {
    rollBack(); // to 2
    mesh.safety.down = true;
    assertThat(rollBack().getVersion()).as("which never had a certificate").isEqualTo("1");
  }

  @Test
  void withoutTheSafetyServerNothingThatHadACertificateIs() {
    mesh.safety.down = true;

    assertFails(
        this::rollBack,
        Status.Code.UNAVAILABLE,
        Fault.DEPENDENCY_DOWN,
        "the safety-server could not say whether certificate certificate-of-2 is revoked: UNAVAILABLE; without it only BreakGlassAlias moves back");
    assertThat(serving().getVersion()).isEqualTo("3");
  }

  @Test
  void whatIsRevokedWhileItIsLoadedIsNotGoneBackTo() {
    AtomicInteger calls = new AtomicInteger();
    mesh.safety.beforeCertificates =
        () -> {
          if (calls.incrementAndGet() == 2) {
            mesh.safety.certificates.revoke("certificate-of-2", "a leak");
          }
        };

    assertFails(
        this::rollBack,
        Status.Code.ABORTED,
        Fault.VERSION_CONFLICT,
        "the certificate of version 2 of java-tiny was revoked meanwhile");
    assertThat(serving().getVersion()).isEqualTo("3");
  }

  @Test
  void whereTheCertificateIsNotKnownNobodyPassesOverIt() {
    try (TestMesh other = mesh.startBeside()) { // its safety-server knows of no certificate
      assertFails(
          () -> other.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()),
          Status.Code.FAILED_PRECONDITION,
          Fault.PRECONDITION_FAILED,
          "the safety-server does not know certificate certificate-of-2 (expected: it issued it, and can say whether it is revoked): no such certificate; without it only BreakGlassAlias moves back");
      assertThat(serving().getVersion()).isEqualTo("3");
    }
  }

  private PolicyAlias rollBack() {
    return mesh.versions().rollBackAlias(RollBackAliasRequest.getDefaultInstance()).getAlias();
  }

  private PolicyAlias serving() {
    return mesh.versions().listAliases(ListAliasesRequest.getDefaultInstance()).getAliases(0);
  }
}
