package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.orchestrator.testing.TestSpecs;
import java.util.List;
import org.junit.jupiter.api.Test;

/** That a run began, and how it ended, is told in a chain. */
class AuditTrailTest extends RunServiceCase {
  @Test
  void aRunIsToldFromItsBeginningToItsPromotion() {
    String run = mesh.create(TestSpecs.spec("audited")).getRunId();
    var unused = mesh.awaitEnd(run);

    List<AuditEntry> entries = new PostgresAudit("orchestrator", mesh.database).after(0, 10);
    AuditChain chain = new AuditChain();
    assertThat(entries).hasSize(2).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries) // no edge of a network is before these tests
        .extracting(AuditEntry::content)
        .allMatch(content -> content.contains("\"principal\": \"the server itself\""))
        .allMatch(content -> content.contains("\"proof\": \"process\""));
    assertThat(entries.get(0).content())
        .contains("\"run.create\"", "\"subject\": \"" + run + "\"", "\"base\": \"tiny/1\"");
    assertThat(entries.get(1).content())
        .contains("\"run.promoted\"", "\"subject\": \"" + run + "\"", "\"candidate\": \"tiny/");
  }
}
