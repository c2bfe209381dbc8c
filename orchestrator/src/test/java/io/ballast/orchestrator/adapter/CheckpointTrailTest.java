package io.ballast.orchestrator.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.audit.AuditChain;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.learner.Checkpoints;
import io.ballast.orchestrator.testing.TestDatabase;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** No checkpoint is deleted of which the audit trail does not tell. */
class CheckpointTrailTest {
  private static final Caller ACME = new Caller("acme", "");

  @TempDir private Path root = Path.of("");

  private final TestDatabase database = TestDatabase.create();
  private final PostgresAudit audit = new PostgresAudit("orchestrator", database);

  private ModelFolders folders;
  private Checkpoints checkpoints;

  @BeforeEach
  void open() {
    folders = new ModelFolders(List.of(root.resolve("models")), root.resolve("learner"));
    checkpoints = new Checkpoints(folders, new PostgresCheckpointTrail(database, audit));
  }

  private Path keep(String name) throws IOException {
    Path folder = Files.createDirectories(root.resolve("learner/acme"));
    return Files.writeString(folder.resolve(name + ".safetensors"), "weights");
  }

  private List<AuditEntry> entries() {
    return audit.after(0, 10);
  }

  @Test
  void whatIsDeletedIsToldOnceWithItsTenant() throws IOException {
    Path file = keep("first");

    checkpoints.delete(ACME, "first");

    assertThat(file).doesNotExist();
    assertThat(entries()).hasSize(1);
    assertThat(new AuditChain().add(entries().getFirst())).isEmpty();
    assertThat(entries().getFirst().content())
        .contains(
            "\"action\": \"checkpoint.delete\"", "\"tenant\": \"acme\"", "\"subject\": \"first\"");
    assertThatThrownBy(() -> checkpoints.delete(ACME, "first")).isInstanceOf(MeshException.class);
    assertThat(entries()).as("nothing was there to delete again").hasSize(1);
  }

  @Test
  void whatIsNotDeletedIsNotTold() throws IOException {
    Path first = keep("first");
    Path ofRun = keep("run-7-1");

    for (Caller caller : List.of(ACME, new Caller("bob", ""))) {
      assertThatThrownBy(() -> checkpoints.delete(caller, "run-7-1"))
          .isInstanceOf(MeshException.class);
      assertThatThrownBy(() -> checkpoints.delete(caller, "second"))
          .isInstanceOfSatisfying(
              MeshException.class, e -> assertThat(e.fault()).isEqualTo(Fault.UNKNOWN_RESOURCE));
    }
    assertThatThrownBy(() -> checkpoints.delete(new Caller("bob", ""), "first"))
        .isInstanceOf(MeshException.class);

    assertThat(entries()).isEmpty();
    assertThat(first).exists();
    assertThat(ofRun).exists();
  }

  @Test
  void whatCannotBeToldStays() throws IOException {
    Path file = keep("first");
    Checkpoints untold =
        new Checkpoints(
            folders,
            (caller, name) -> {
              throw new MeshException(Fault.DEPENDENCY_DOWN, "the database is away");
            });

    assertThatThrownBy(() -> untold.delete(ACME, "first")).hasMessage("the database is away");

    assertThat(file).exists();
  }
}
