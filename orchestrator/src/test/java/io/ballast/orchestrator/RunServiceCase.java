package io.ballast.orchestrator;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.orchestrator.testing.TestMesh;
import io.ballast.orchestrator.v1.CancelRunRequest;
import io.ballast.orchestrator.v1.GetRunRequest;
import io.ballast.orchestrator.v1.PauseRunRequest;
import io.ballast.orchestrator.v1.PromoteCandidateRequest;
import io.ballast.orchestrator.v1.ResumeRunRequest;
import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunState;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.nio.file.Path;
import java.util.Iterator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** The run API on a real learner and a real database, and what people do with a run. */
abstract class RunServiceCase {
  @TempDir Path root;
  TestMesh mesh;

  @BeforeEach
  void begin() {
    mesh = TestMesh.start(root);
  }

  @AfterEach
  void stop() {
    mesh.close();
  }

  Run promote(String runId) {
    return mesh.runs()
        .promoteCandidate(PromoteCandidateRequest.newBuilder().setRunId(runId).build())
        .getRun();
  }

  Run pause(String runId) {
    return mesh.runs().pauseRun(PauseRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  Run resume(String runId) {
    return mesh.runs().resumeRun(ResumeRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  Run cancel(String runId) {
    return mesh.runs().cancelRun(CancelRunRequest.newBuilder().setRunId(runId).build()).getRun();
  }

  Run awaitState(String runId, RunState state) {
    Iterator<WatchRunResponse> stream =
        mesh.runs().watchRun(WatchRunRequest.newBuilder().setRunId(runId).build());
    while (stream.hasNext()) {
      Run run = stream.next().getRun();
      if (run.getState() == state) {
        return run;
      }
    }
    throw new AssertionError(
        mesh.runs().getRun(GetRunRequest.newBuilder().setRunId(runId).build()).toString());
  }

  static void refused(Throwable thrown, Status.Code code, String message) {
    assertThat(thrown).isInstanceOf(StatusRuntimeException.class);
    Status status = ((StatusRuntimeException) thrown).getStatus();
    assertThat(status.getCode()).isEqualTo(code);
    assertThat(status.getDescription()).contains(message);
  }
}
