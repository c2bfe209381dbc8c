package io.ballast.orchestrator.core.learner;

import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;

/** The checkpoints of tenants, which outlive the sessions that kept them. */
public final class Checkpoints {
  private static final int MOST_LISTED = 1_000;
  private static final int LISTED = 100;

  private final WeightsStore store;
  private final CheckpointTrail trail;
  private final ReentrantLock deleting = new ReentrantLock(); // so that each is told once

  /**
   * @param trail is told of each that is deleted, before it goes
   */
  public Checkpoints(WeightsStore store, CheckpointTrail trail) {
    this.store = store;
    this.trail = trail;
  }

  /**
   * Those of the caller's tenant, of its runs too, the newest first.
   *
   * @param pageSize 1 to 1,000; 0: 100
   * @throws MeshException MALFORMED_REQUEST; DEPENDENCY_DOWN if the disk is away
   */
  public List<WeightsStore.Kept> list(Caller caller, int pageSize) {
    if (pageSize < 0 || pageSize > MOST_LISTED) {
      throw Faults.malformed(
          "page_size", "%,d (expected: 1 to %,d, or 0)".formatted(pageSize, MOST_LISTED));
    }
    return store.checkpoints(caller.tenant()).stream()
        .limit(pageSize == 0 ? LISTED : pageSize)
        .toList();
  }

  /**
   * Deletes one that a session of the caller's tenant kept, once the audit trail tells it. If the
   * disk then fails it is still there, and is told again when it is deleted again.
   *
   * @throws MeshException MALFORMED_REQUEST if a run's may be called so: that goes when the run
   *     ends; UNKNOWN_RESOURCE if there is none; DEPENDENCY_DOWN if the disk or the trail is away
   */
  public void delete(Caller caller, String name) {
    requireOfSession(name);
    deleting.lock();
    try {
      var unused = store.checkpoint(caller.tenant(), name); // what is not there is not told
      trail.deleting(caller, name);
      store.deleteCheckpoint(caller.tenant(), name);
    } finally {
      deleting.unlock();
    }
  }

  /**
   * Requires that a session may call a checkpoint so.
   *
   * @throws MeshException MALFORMED_REQUEST
   */
  static void requireOfSession(String name) {
    Faults.requireFileName("checkpoint", name);
    if (name.startsWith(WeightsStore.OF_RUNS)) {
      throw Faults.malformed(
          "checkpoint",
          "'%s' (expected: a name that does not begin with '%s', as those of runs do)"
              .formatted(name, WeightsStore.OF_RUNS));
    }
  }
}
