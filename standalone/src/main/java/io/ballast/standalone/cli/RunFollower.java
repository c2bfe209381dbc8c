package io.ballast.standalone.cli;

import io.ballast.orchestrator.v1.Run;
import io.ballast.orchestrator.v1.RunServiceGrpc;
import io.ballast.orchestrator.v1.WatchRunRequest;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.Iterator;
import java.util.function.Consumer;

/** Follows a run to its end. A mesh that goes away and comes back is followed on. */
final class RunFollower {
  private static final int MOST_RECONNECTS = 60;
  private static final long RECONNECT_MILLIS = 1_000;

  private final MeshTarget target;

  RunFollower(MeshTarget target) {
    this.target = target;
  }

  /**
   * Follows {@code run} until nothing more comes of it by itself.
   *
   * @param after iterations up to this one are known
   * @param seen takes what happens; an iteration may come twice
   * @param waiting takes the run each time that the mesh is gone
   * @return the run in the end
   * @throws StatusRuntimeException if the mesh stays away
   */
  Run follow(
      MeshTarget.Connection mesh,
      Run run,
      int after,
      Consumer<WatchRunResponse> seen,
      Consumer<Run> waiting)
      throws InterruptedException {
    Run now = run;
    int last = after;
    int failures = 0;
    while (!RunWatcher.ended(now.getState())) {
      try {
        Iterator<WatchRunResponse> events = watch(mesh, run, last);
        while (events.hasNext()) {
          WatchRunResponse event = events.next();
          failures = 0;
          now = withSpec(event.getRun(), now.getSpec());
          last = Math.max(last, event.getIteration().getIteration());
          seen.accept(event);
        }
        failures = RunWatcher.ended(now.getState()) ? 0 : failures + 1;
      } catch (StatusRuntimeException e) {
        if (e.getStatus().getCode() != Status.Code.UNAVAILABLE || ++failures > MOST_RECONNECTS) {
          throw e;
        }
        waiting.accept(now);
      }
      if (failures > 0) {
        Thread.sleep(RECONNECT_MILLIS);
      }
    }
    return now;
  }

  /** A stream tells the spec once. */
  private static Run withSpec(Run told, String spec) {
    return told.getSpec().isEmpty() ? told.toBuilder().setSpec(spec).build() : told;
  }

  private Iterator<WatchRunResponse> watch(MeshTarget.Connection mesh, Run run, int after) {
    return RunServiceGrpc.newBlockingStub(mesh.channel())
        .watchRun(
            WatchRunRequest.newBuilder()
                .setMetadata(target.metadata())
                .setRunId(run.getRunId())
                .setAfterIteration(after)
                .build());
  }
}
