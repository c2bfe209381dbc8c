package io.ballast.orchestrator.core.run;

import io.ballast.kit.error.MeshException;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One orchestrator's leases on runs, of which several may share a database: a run is worked on by
 * the one that has its lease, and by another once that one has not renewed it for its length. What
 * a worker may write is not theirs to say: that is the fence of the run.
 */
public final class RunLeases {
  private static final Logger LOG = LoggerFactory.getLogger(RunLeases.class);

  private final RunStore store;
  private final String holder;
  private final Duration length;

  /**
   * @param holder this orchestrator, called the same after a restart: then it goes on at once
   * @param length some times as long as the time between two renewals
   */
  public RunLeases(RunStore store, String holder, Duration length) {
    this.store = store;
    this.holder = holder;
    this.length = length;
  }

  /**
   * Takes the lease on a run, or renews it.
   *
   * @return whether it is this orchestrator's
   * @throws MeshException DEPENDENCY_DOWN while the store is away
   */
  boolean take(String runId) {
    return store.lease(runId, holder, length);
  }

  /** Gives it back; if the store does not take it, it ends by itself. */
  void release(String runId) {
    try {
      store.release(runId, holder);
    } catch (RuntimeException e) { // whoever worked on the run has let go of it all the same
      LOG.debug("the lease on run {} is left to end: {}", runId, e.getMessage());
    }
  }
}
