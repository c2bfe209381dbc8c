package io.ballast.orchestrator.core.run;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;

/**
 * Lets a tenant's runs in while it has room for them. What has ended or failed takes none; what has
 * failed and is resumed takes some again.
 */
final class RunAdmission {
  private static final String PROPERTY = "ballast.orchestrator.runs-per-tenant";

  private final RunStore store;
  private final int mostOfTenant;

  /** Held from counting to adding: no other process works on the store. */
  private final ReentrantLock lock = new ReentrantLock();

  /**
   * @param mostOfTenant how many runs of one tenant may be there that have neither ended nor failed
   */
  RunAdmission(RunStore store, int mostOfTenant) {
    this.store = store;
    this.mostOfTenant = mostOfTenant;
  }

  /**
   * Returns the run of this tenant that {@code key} created.
   *
   * @param key empty: none did
   */
  Optional<RunStore.Keyed> repeated(String tenant, String key) {
    return key.isEmpty() ? Optional.empty() : store.byKey(tenant, key);
  }

  /**
   * Stores {@code run}, or returns the one that its key created before.
   *
   * @throws MeshException OVERLOADED
   */
  RunStore.Keyed create(RunStore.NewRun run) {
    lock.lock();
    try {
      Optional<RunStore.Keyed> repeated = repeated(run.run().tenant(), run.idempotencyKey());
      if (repeated.isPresent()) {
        return repeated.get();
      }
      requireRoom(run.run().tenant());
      return store.create(run);
    } finally {
      lock.unlock();
    }
  }

  /**
   * Does {@code resume}.
   *
   * @param run as it is before
   * @throws MeshException OVERLOADED if it has failed
   */
  Run resume(Run run, Supplier<Run> resume) {
    lock.lock();
    try {
      if (run.state() == RunState.FAILED) {
        requireRoom(run.tenant());
      }
      return resume.get();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Requires that one more run of {@code tenant} may be there.
   *
   * @throws MeshException OVERLOADED
   */
  void requireRoom(String tenant) {
    int pending = store.pendingCount(tenant);
    if (pending >= mostOfTenant) {
      throw new MeshException(
          Fault.OVERLOADED,
          "tenant '%s' has %,d runs that wait, learn, are tested or paused, limit %,d (%s): ListRuns shows them, CancelRun ends one"
              .formatted(tenant, pending, mostOfTenant, PROPERTY),
          Map.of(
              "tenant",
              tenant,
              "runs",
              Integer.toString(pending),
              "limit",
              Integer.toString(mostOfTenant),
              "property",
              PROPERTY));
    }
  }
}
