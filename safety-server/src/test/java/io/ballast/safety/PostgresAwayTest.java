package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.item;
import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static io.ballast.testing.Refusals.assertDatabaseAway;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.CostRequest;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.SafetyTestState;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.testing.StoppablePostgres;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real PostgreSQL stops under a running server and comes back. Meanwhile whatever needs it says
 * so; afterwards the same calls succeed, under the same key exactly once, without a restart.
 */
class PostgresAwayTest {
  @TempDir Path folder;

  private StoppablePostgres postgres;
  private TestSafety mesh;

  @BeforeEach
  void start() {
    postgres = new StoppablePostgres(folder, "safety");
    mesh = TestSafety.startOn(postgres);
  }

  @AfterEach
  void stop() {
    mesh.close();
    postgres.close();
  }

  @Test
  void whatNeedsItSaysSoAndIsDoneOnceWhenItIsBack() throws Exception {
    SafetyTest before = mesh.run(testOf(prompts(30)).build());
    String certificate = before.getCertificateId();
    assertThat(certificate).isNotEmpty();
    postgres.stop();

    assertDatabaseAway(this::startTest);
    assertDatabaseAway(
        () ->
            mesh.safety()
                .getSafetyTest(
                    GetSafetyTestRequest.newBuilder().setTestId(before.getTestId()).build()));
    assertDatabaseAway(
        () -> mesh.safety().listSafetyTests(ListSafetyTestsRequest.getDefaultInstance()));
    assertDatabaseAway(
        () ->
            mesh.safety()
                .getCertificate(
                    GetCertificateRequest.newBuilder().setCertificateId(certificate).build()));
    assertDatabaseAway(
        () ->
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder().setCertificateId(certificate).build()));
    assertThat(
            mesh.safety()
                .cost(CostRequest.newBuilder().addItems(item("", "p", "c")).build())
                .getResults(0)
                .hasFailure())
        .as("costs need no database")
        .isFalse();

    postgres.startAgain();

    SafetyTest started = onceItIsBack(this::startTest);
    assertThat(started.getTestId()).isNotEqualTo(before.getTestId());
    SafetyTest ended = mesh.await(started.getTestId());
    assertThat(ended.getState()).isEqualTo(SafetyTestState.SAFETY_TEST_STATE_PASSED);
    assertThat(startTest().getTestId()).isEqualTo(started.getTestId());
    assertThat(
            mesh.safety()
                .listSafetyTests(ListSafetyTestsRequest.getDefaultInstance())
                .getTestsList())
        .extracting(SafetyTest::getTestId)
        .containsExactly(started.getTestId(), before.getTestId());
    assertThat(
            mesh.safety()
                .verifyCertificate(
                    VerifyCertificateRequest.newBuilder().setCertificateId(certificate).build())
                .getValid())
        .isTrue();
  }

  private SafetyTest startTest() {
    return mesh.safety()
        .startSafetyTest(
            testOf(prompts(40).subList(30, 40))
                .setMetadata(RequestMetadata.newBuilder().setIdempotencyKey("test"))
                .build())
        .getTest();
  }

  /** Calls until the pool has found the server again: it looks every few seconds. */
  private static <T> T onceItIsBack(Supplier<T> call) {
    for (int i = 0; i < 60; i++) {
      try {
        return call.get();
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      }
    }
    return call.get();
  }
}
