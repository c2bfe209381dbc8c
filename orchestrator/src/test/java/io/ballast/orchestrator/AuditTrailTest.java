package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.RunState;
import java.util.List;
import org.junit.jupiter.api.Test;

/** That a run began, how it ended, and what a person decided, is told in a chain. */
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
        .contains("\"run.create\"", subject(run), "\"base\": \"tiny/1\"");
    assertThat(entries.get(1).content())
        .contains("\"run.promoted\"", subject(run), "\"candidate\": \"tiny/");
  }

  @Test
  void aRunThatIsHeldAndOneThatIsCancelledAreTold() throws InterruptedException {
    String held =
        mesh.awaitEnd(mesh.create(TestSpecs.spec("held", "promotion: WAIT")).getRunId()).getRunId();
    assertThat(promote(held).getState()).isEqualTo(RunState.RUN_STATE_PROMOTED);
    String cancelled = mesh.createUpTo(1, TestSpecs.testedOnOthers(TestSpecs.spec("cancelled")));
    assertThat(cancel(cancelled).getState()).isEqualTo(RunState.RUN_STATE_CANCELLED);
    mesh.letSample();

    List<AuditEntry> entries = new PostgresAudit("orchestrator", mesh.database).after(0, 10);
    AuditChain chain = new AuditChain();
    assertThat(entries).allSatisfy(entry -> assertThat(chain.add(entry)).isEmpty());
    assertThat(entries)
        .extracting(AuditEntry::content)
        .satisfiesExactly(
            entry -> assertThat(entry).contains("\"run.create\"", subject(held)),
            entry -> assertThat(entry).contains("\"run.held\"", subject(held), "\"candidate\": "),
            entry -> assertThat(entry).contains("\"run.promoted\"", subject(held)),
            entry -> assertThat(entry).contains("\"run.create\"", subject(cancelled)),
            entry -> assertThat(entry).contains("\"run.cancelled\"", subject(cancelled)));
  }

  private static String subject(String run) {
    return "\"subject\": \"" + run + "\"";
  }
}
