package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.mesh.v1.RequestMetadata;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.GetCertificateRequest;
import io.ballast.safety.v1.GetEvidenceRequest;
import io.ballast.safety.v1.GetLedgerRequest;
import io.ballast.safety.v1.GetSafetyTestRequest;
import io.ballast.safety.v1.ListSafetyTestsRequest;
import io.ballast.safety.v1.ReplayCertificateRequest;
import io.ballast.safety.v1.SafetyServiceGrpc;
import io.ballast.safety.v1.SafetyServiceGrpc.SafetyServiceBlockingStub;
import io.ballast.safety.v1.SafetyTest;
import io.ballast.safety.v1.VerifyCertificateRequest;
import io.ballast.testing.TestCallers;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Whoever is bound to a tenant sees its tests, the looks that they took, and what certificates rest
 * on; the certificates themselves are everybody's, for everybody is served what they promise.
 */
class TenantsOfTestsTest {
  @TempDir private Path folder;
  private final TestSafety mesh = TestSafety.start(Map.of());
  private TestCallers callers;
  private MeshServer door;
  private SafetyTest ofA = SafetyTest.getDefaultInstance();

  @BeforeEach
  void testForA() {
    callers = new TestCallers(folder);
    door = callers.serve(mesh.services(), mesh.meters);
    ofA =
        mesh.run(
            testOf(prompts(29)).setMetadata(RequestMetadata.newBuilder().setTenant("a")).build());
    assertThat(ofA.getCertificateId()).isNotEmpty();
  }

  @AfterEach
  void stop() {
    door.close();
    callers.close();
    mesh.close();
  }

  private SafetyServiceBlockingStub of(String tenant) {
    return SafetyServiceGrpc.newBlockingStub(door.inside())
        .withInterceptors(callers.as("t", tenant, "trainer"));
  }

  private static int listed(SafetyServiceBlockingStub stub) {
    return stub.listSafetyTests(ListSafetyTestsRequest.getDefaultInstance()).getTestsCount();
  }

  private static int looks(SafetyServiceBlockingStub stub) {
    return stub.getLedger(GetLedgerRequest.getDefaultInstance()).getEntriesCount();
  }

  @Test
  void itsOwnTestsAreThere() {
    for (SafetyServiceBlockingStub stub : List.of(of("a"), of("*"))) {
      assertThat(listed(stub)).isEqualTo(1);
      assertThat(looks(stub)).isEqualTo(1);
      assertThat(stub.getSafetyTest(get()).getTest().getTestId()).isEqualTo(ofA.getTestId());
      assertThat(stub.getEvidence(evidence()).next().getSamplesCount()).isEqualTo(29);
      assertThat(stub.replayCertificate(replay()).hasNext()).isTrue();
    }
  }

  @Test
  void anothersAreNot() {
    SafetyServiceBlockingStub b = of("b");

    assertThat(listed(b)).isZero();
    assertThat(looks(b)).isZero();
    assertNotThere(() -> b.getSafetyTest(get()));
    assertNotThere(() -> b.getSafetyTest(get().toBuilder().setWait(true).build()));
    assertNotThere(() -> b.getEvidence(evidence()).hasNext());
    assertNotThere(() -> b.replayCertificate(replay()).hasNext());
  }

  @Test
  void aCertificateIsEverybodys() {
    SafetyServiceBlockingStub b = of("b");
    String id = ofA.getCertificateId();

    assertThat(
            b.getCertificate(GetCertificateRequest.newBuilder().setCertificateId(id).build())
                .getCertificate()
                .getCertificateId())
        .isEqualTo(id);
    assertThat(
            b.verifyCertificate(VerifyCertificateRequest.newBuilder().setCertificateId(id).build())
                .getValid())
        .isTrue();
  }

  private GetSafetyTestRequest get() {
    return GetSafetyTestRequest.newBuilder().setTestId(ofA.getTestId()).build();
  }

  private GetEvidenceRequest evidence() {
    return GetEvidenceRequest.newBuilder().setCertificateId(ofA.getCertificateId()).build();
  }

  private ReplayCertificateRequest replay() {
    return ReplayCertificateRequest.newBuilder().setCertificateId(ofA.getCertificateId()).build();
  }

  private static void assertNotThere(ThrowingCallable call) {
    assertThatThrownBy(call)
        .hasMessageStartingWith("NOT_FOUND: test_id: ")
        .hasMessageEndingWith("there is no such safety test");
  }
}
