package io.ballast.orchestrator.core.run;

import io.ballast.orchestrator.core.peer.Patiences;
import java.time.InstantSource;
import java.util.function.Function;

/** Writes what became of a run, as long as the worker still holds it. */
final class RunRecords {
  private final RunStore store;
  private final Patiences patience;
  private final InstantSource clock;

  RunRecords(RunStore store, Patiences patience, InstantSource clock) {
    this.store = store;
    this.patience = patience;
    this.clock = clock;
  }

  /**
   * Changes a run.
   *
   * @throws RunLostException if it is no longer this worker's
   */
  Run change(Job job, Run run, Function<Run, Run> change) {
    return patience
        .database()
        .call(
            "record its state",
            () -> store.change(run.runId(), stored -> change.apply(stored.heldBy(job.fence()))));
  }

  /** Ends a run. */
  Run end(Job job, Run run, RunState how, String reason) {
    return change(job, run, stored -> stored.ended(how, reason, clock.instant()));
  }
}
