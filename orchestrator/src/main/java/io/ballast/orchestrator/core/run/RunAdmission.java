package io.ballast.orchestrator.core.run;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.spec.SpecReading;
import java.util.List;
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

  private static final int MOST_DIFFERENCES = 5;

  private final SpecReading specs;
  private final RunStore store;
  private final int mostOfTenant;

  /** Held from counting to adding, by whoever adds in this process. */
  private final ReentrantLock lock = new ReentrantLock();

  /**
   * @param specs tells in which keys two specs differ
   * @param mostOfTenant how many runs of one tenant may be there that have neither ended nor failed
   */
  RunAdmission(SpecReading specs, RunStore store, int mostOfTenant) {
    this.specs = specs;
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
   * Returns the run that a key created, if it was created by the same request.
   *
   * @throws MeshException MALFORMED_REQUEST otherwise, with the first keys in which the specs
   *     differ
   */
  Run requireSame(Caller caller, RunStore.Keyed stored, String spec, String fingerprint) {
    if (!stored.fingerprint().equals(fingerprint)) {
      throw Faults.malformed(
          "metadata.idempotency_key",
          "'%s' was used for another request%s"
              .formatted(caller.idempotencyKey(), differences(spec, stored.run().spec())));
    }
    return stored.run();
  }

  private String differences(String spec, String other) {
    List<String> all;
    try {
      var unused = specs.apply(spec); // nothing is looked through that no run could have
      all = specs.differences(spec, other);
    } catch (MeshException e) {
      return "";
    }
    String more =
        all.size() <= MOST_DIFFERENCES
            ? ""
            : "; and %d keys more".formatted(all.size() - MOST_DIFFERENCES);
    return all.isEmpty()
        ? ""
        : ", whose spec differs: "
            + String.join("; ", all.subList(0, Math.min(MOST_DIFFERENCES, all.size())))
            + more;
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
   * @param run of which its state may have changed since
   * @throws MeshException OVERLOADED if it has failed
   */
  Run resume(Run run, Supplier<Run> resume) {
    lock.lock();
    try {
      boolean failed =
          store.find(run.runId()).filter(each -> each.state() == RunState.FAILED).isPresent();
      if (failed) {
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
          "tenant '%s' has %,d runs that wait, learn, are tested or paused, limit %,d (%s): ListRuns shows them (the newest 1,000 runs at most), CancelRun ends one"
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
