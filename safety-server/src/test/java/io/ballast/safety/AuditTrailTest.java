package io.ballast.safety;

import static io.ballast.safety.testing.TestSafety.prompts;
import static io.ballast.safety.testing.TestSafety.testOf;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.safety.testing.TestSafety;
import io.ballast.safety.v1.RevokeCertificateRequest;
import io.ballast.safety.v1.SafetyTest;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Certificates, and what makes them void, are told in a chain. */
class AuditTrailTest {
  private final TestSafety mesh = TestSafety.start(Map.of());

  @AfterEach
  void stop() {
    mesh.close();
  }

  @Test
  void aCertificateIsToldAndItsRevocationToo() {
    SafetyTest test = mesh.run(testOf(prompts(29)).build());
    assertThat(test.getCertificateId()).isNotEmpty();
    var unused =
        mesh.safety()
            .revokeCertificate(
                RevokeCertificateRequest.newBuilder()
                    .setCertificateId(test.getCertificateId())
                    .setReason("a wrong judge")
                    .build());

    List<AuditEntry> entries = new PostgresAudit("safety", mesh.database).after(0, 10);
    AuditChain chain = new AuditChain();
    assertThat(entries).hasSize(2).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries) // no edge of a network is before these tests
        .extracting(AuditEntry::content)
        .allMatch(content -> content.contains("\"principal\": \"the server itself\""))
        .allMatch(content -> content.contains("\"proof\": \"process\""));
    assertThat(entries.get(0).content())
        .contains("\"certificate.issue\"", "\"subject\": \"" + test.getCertificateId() + "\"");
    assertThat(entries.get(1).content())
        .contains(
            "\"certificate.revoke\"",
            "\"subject\": \"" + test.getCertificateId() + "\"",
            "\"reason\": \"a wrong judge\"",
            "\"tenant\": \"default\"");
  }
}
