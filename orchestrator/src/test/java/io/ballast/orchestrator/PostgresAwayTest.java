package io.ballast.orchestrator;

import static io.ballast.testing.Refusals.assertDatabaseAway;
import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.testing.TestSpecs;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.CreateRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.ListRunsRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc.RunServiceBlockingStub;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
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
  @TempDir Path root;
  @TempDir Path folder;

  private StoppablePostgres postgres;
  private TestMesh mesh;

  @BeforeEach
  void start() {
    postgres = new StoppablePostgres(folder, "orchestrator");
    mesh = TestMesh.startOn(postgres, root);
  }

  @AfterEach
  void stop() {
    mesh.close();
    postgres.close();
  }

  @Test
  void whatNeedsItSaysSoAndIsDoneOnceWhenItIsBack() throws Exception {
    String before =
        mesh.awaitEnd(mesh.create(TestSpecs.testedOnOthers(TestSpecs.spec("before"))).getRunId())
            .getRunId();
    RunServiceBlockingStub runs = mesh.runs();
    postgres.stop();

    assertDatabaseAway(this::create);
    assertDatabaseAway(() -> runs.getRun(GetRunRequest.newBuilder().setRunId(before).build()));
    assertDatabaseAway(() -> runs.listRuns(ListRunsRequest.getDefaultInstance()));
    assertDatabaseAway(
        () -> runs.watchRun(WatchRunRequest.newBuilder().setRunId(before).build()).hasNext());
    assertDatabaseAway(() -> runs.pauseRun(PauseRunRequest.newBuilder().setRunId(before).build()));
    assertDatabaseAway(
        () -> runs.resumeRun(ResumeRunRequest.newBuilder().setRunId(before).build()));
    assertDatabaseAway(
        () -> runs.cancelRun(CancelRunRequest.newBuilder().setRunId(before).build()));
    assertDatabaseAway(
        () -> runs.promoteCandidate(PromoteCandidateRequest.newBuilder().setRunId(before).build()));

    postgres.startAgain();

    Run created = onceItIsBack(this::create);
    assertThat(create().getRunId()).isEqualTo(created.getRunId());
    assertThat(mesh.awaitEnd(created.getRunId()).getState())
        .as("it ends, after the candidate of the one before began to serve")
        .isEqualTo(RunState.RUN_STATE_REFUSED);
    assertThat(runs.listRuns(ListRunsRequest.getDefaultInstance()).getRunsList())
        .extracting(Run::getRunId)
        .containsExactly(created.getRunId(), before);
  }

  private Run create() {
    return mesh.runs()
        .createRun(
            CreateRunRequest.newBuilder()
                .setMetadata(TestMesh.metadata("", "run"))
                .setSpec(TestSpecs.spec("while-it-is-away"))
                .build())
        .getRun();
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
