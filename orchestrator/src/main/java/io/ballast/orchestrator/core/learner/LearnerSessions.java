package io.ballast.orchestrator.core.learner;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.orchestrator.core.Caller;
import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.VersionRegistry;
import io.ballast.orchestrator.core.VersionSelector;
import io.ballast.orchestrator.core.Versions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * The open sessions. Their number and memory are bounded, for each tenant and for all; a session
 * that nobody used for long makes room, and for a tenant at its own bound only one of its own.
 * Sessions of one tenant do not exist for another.
 */
public final class LearnerSessions implements AutoCloseable {
  /** Time and chance. */
  public record Surroundings(InstantSource clock, LongSupplier nanoTime, Supplier<String> ids) {}

  private final TraineeLoader loader;
  private final WeightsStore store;
  private final Versions versions;
  private final VersionRegistry registry;
  private final LearnerLimits limits;
  private final Surroundings surroundings;
  private final SessionMonitor monitor;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private boolean closed;

  public LearnerSessions(
      TraineeLoader loader,
      WeightsStore store,
      Versions versions,
      VersionRegistry registry,
      LearnerLimits limits,
      Surroundings surroundings,
      SessionMonitor monitor) {
    this.loader = loader;
    this.store = store;
    this.versions = versions;
    this.registry = registry;
    this.limits = limits;
    this.surroundings = surroundings;
    this.monitor = monitor;
  }

  /**
   * Opens a session; a repetition with the caller's idempotency key gets the same one while it is
   * open.
   *
   * @throws MeshException UNKNOWN_MODEL; MALFORMED_REQUEST if {@code base} names what could be no
   *     version, and then nobody was asked for it, or if adapters do not fit the model, and then no
   *     other session had to go; OVERLOADED if its tenant has no room left, or nobody has, and then
   *     none had to go either; CORRUPT_WEIGHTS
   */
  public LearnerSession open(Caller caller, VersionSelector base, TraineeOptions options) {
    requireNames(base);
    String fingerprint = base + " " + options;
    Optional<Slot> repeated = repeated(caller, fingerprint);
    if (repeated.isPresent()) {
      return repeated.get().await();
    }
    PinnedVersion version = versions.resolve(base);
    Slot slot =
        new Slot(
            caller,
            fingerprint,
            version,
            loader.memoryBytes(version, options),
            loader.sharedBytes(version, options));
    Admission admission = admit(slot);
    for (Slot evicted : admission.evicted()) {
      evicted.closeSession();
      monitor.evicted(evicted.eviction(caller));
    }
    if (admission.slot() != slot) {
      return admission.slot().await();
    }
    try {
      LearnerSession session = load(slot, options);
      slot.session.complete(session);
      return session;
    } catch (ModelException e) {
      MeshException known = Faults.of(e);
      abandon(slot, known);
      throw known;
    } catch (Throwable e) { // an Error too: those who wait for this session must hear of it
      abandon(slot, e);
      throw e;
    }
  }

  /** A peer that is asked for a name that is none calls this server's request malformed. */
  private static void requireNames(VersionSelector base) {
    if (!base.model().isEmpty()) { // empty: the default model
      Faults.requireName("base.model", base.model());
    }
    Faults.requireName(base.alias() ? "base.alias" : "base.version", base.name());
  }

  private LearnerSession load(Slot slot, TraineeOptions options) {
    Trainee trainee = loader.load(slot.version, options);
    try {
      return new LearnerSession(
          new LearnerSession.Identity(
              slot.id, slot.caller.tenant(), slot.version, options, surroundings.clock().instant()),
          trainee,
          new LearnerSession.Surroundings(store, registry, surroundings.ids(), limits));
    } catch (RuntimeException | Error e) {
      trainee.close();
      throw e;
    }
  }

  /**
   * Returns an open session of the caller's tenant.
   *
   * @throws MeshException UNKNOWN_RESOURCE
   */
  public LearnerSession session(Caller caller, String id) {
    return find(caller, id).flatMap(Slot::ready).orElseThrow(() -> Faults.unknown("session", id));
  }

  /** The open sessions of the caller's tenant, oldest first. */
  public List<LearnerSession> sessions(Caller caller) {
    lock.lock();
    try {
      return slots.values().stream()
          .filter(slot -> slot.caller.tenant().equals(caller.tenant()))
          .flatMap(slot -> slot.ready().stream())
          .sorted(Comparator.comparing(session -> session.identity().created()))
          .toList();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns an operation of one of the caller's sessions.
   *
   * @throws MeshException UNKNOWN_RESOURCE
   */
  public Operation<OperationResult> operation(Caller caller, String id) {
    return sessions(caller).stream()
        .flatMap(session -> session.operation(id).stream())
        .findFirst()
        .orElseThrow(() -> Faults.unknown("operation", id));
  }

  /**
   * Closes a session; what was saved stays.
   *
   * @throws MeshException UNKNOWN_RESOURCE
   */
  public void close(Caller caller, String id) {
    session(caller, id);
    Slot removed;
    lock.lock();
    try {
      removed = slots.remove(id);
    } finally {
      lock.unlock();
    }
    if (removed != null) {
      removed.closeSession();
    }
  }

  /** Closes every session. */
  @Override
  public void close() {
    List<Slot> all;
    lock.lock();
    try {
      closed = true;
      all = new ArrayList<>(slots.values());
      slots.clear();
    } finally {
      lock.unlock();
    }
    all.forEach(Slot::closeSession);
  }

  private Optional<Slot> find(Caller caller, String id) {
    lock.lock();
    try {
      Slot slot = slots.get(id);
      if (slot == null || !slot.caller.tenant().equals(caller.tenant())) {
        return Optional.empty();
      }
      slot.lastUse = surroundings.nanoTime().getAsLong();
      return Optional.of(slot);
    } finally {
      lock.unlock();
    }
  }

  private Optional<Slot> repeated(Caller caller, String fingerprint) {
    lock.lock();
    try {
      for (Slot slot : slots.values()) {
        if (!caller.idempotencyKey().isEmpty() && slot.caller.equals(caller)) {
          if (!slot.fingerprint.equals(fingerprint)) {
            throw Faults.malformed(
                "metadata.idempotency_key",
                "'%s' was used for another request".formatted(caller.idempotencyKey()));
          }
          return Optional.of(slot);
        }
      }
      return Optional.empty();
    } finally {
      lock.unlock();
    }
  }

  /** Who got in, and who had to go for it. */
  private record Admission(Slot slot, List<Slot> evicted) {}

  private Admission admit(Slot slot) {
    lock.lock();
    try {
      if (closed) {
        throw new MeshException(Fault.MODEL_LOADING, "the learner is shutting down");
      }
      Optional<Slot> same = repeated(slot.caller, slot.fingerprint);
      if (same.isPresent()) {
        return new Admission(same.get(), List.of());
      }
      List<Slot> evicted = evictedFor(slot);
      slots.values().removeAll(evicted);
      slots.put(slot.id, slot);
      return new Admission(slot, evicted);
    } finally {
      lock.unlock();
    }
  }

  /** Who has to go for it: those of its tenant first, if that is at its bound. */
  private List<Slot> evictedFor(Slot slot) {
    List<Slot> staying = new ArrayList<>(slots.values());
    makeRoom(staying, slot, limits.ofTenant(slot.caller.tenant()));
    makeRoom(staying, slot, limits.ofAll());
    List<Slot> evicted = new ArrayList<>(slots.values());
    evicted.removeAll(staying);
    return evicted;
  }

  /**
   * Takes out of {@code staying} what is idle for longest, of whom the bound is, until it holds.
   */
  private void makeRoom(List<Slot> staying, Slot slot, SessionBound bound) {
    bound.requireFits(memory(List.of(slot)));
    while (true) {
      List<Slot> counted =
          staying.stream().filter(each -> bound.counts(each.caller.tenant())).toList();
      long open = memory(counted);
      long with = memory(Stream.concat(counted.stream(), Stream.of(slot)).toList());
      if (bound.hasRoom(counted.size(), with)) {
        return;
      }
      Slot idle =
          longestIdle(counted).orElseThrow(() -> bound.refusal(counted.size(), open, with - open));
      staying.remove(idle);
    }
  }

  /** Bytes of these sessions: what several share counts once. */
  private static long memory(Collection<Slot> all) {
    Map<PinnedVersion, Long> shared = new HashMap<>();
    long own = 0;
    for (Slot slot : all) {
      own += slot.memoryBytes;
      shared.merge(slot.version, slot.sharedBytes, Math::max);
    }
    return own + shared.values().stream().mapToLong(Long::longValue).sum();
  }

  private Optional<Slot> longestIdle(List<Slot> all) {
    long now = surroundings.nanoTime().getAsLong();
    return all.stream()
        .filter(slot -> slot.ready().filter(session -> !session.busy()).isPresent())
        .filter(slot -> now - slot.lastUse >= limits.idleTimeout().toNanos())
        .min(Comparator.comparingLong(slot -> slot.lastUse - now));
  }

  private void abandon(Slot slot, Throwable failure) {
    lock.lock();
    try {
      slots.remove(slot.id);
    } finally {
      lock.unlock();
    }
    slot.session.completeExceptionally(failure);
  }

  /** A session that is open or opening. */
  private final class Slot {
    private final String id = surroundings.ids().get();
    private final Caller caller;
    private final String fingerprint;
    private final PinnedVersion version;
    private final long memoryBytes;
    private final long sharedBytes;
    private final CompletableFuture<LearnerSession> session = new CompletableFuture<>();
    private long lastUse = surroundings.nanoTime().getAsLong(); // guarded by the lock

    private Slot(
        Caller caller,
        String fingerprint,
        PinnedVersion version,
        long memoryBytes,
        long sharedBytes) {
      this.caller = caller;
      this.fingerprint = fingerprint;
      this.version = version;
      this.memoryBytes = memoryBytes;
      this.sharedBytes = sharedBytes;
    }

    private Optional<LearnerSession> ready() {
      return session.isDone() && !session.isCompletedExceptionally()
          ? Optional.of(session.join())
          : Optional.empty();
    }

    /** As it is told; by whoever has taken it out, so that nobody uses it any more. */
    private SessionMonitor.Eviction eviction(Caller roomFor) {
      LearnerSession open = session.join();
      return new SessionMonitor.Eviction(
          open.identity(),
          open.updatesCount(),
          Duration.ofNanos(surroundings.nanoTime().getAsLong() - lastUse),
          roomFor.tenant());
    }

    private LearnerSession await() {
      try {
        return session.join();
      } catch (CompletionException e) {
        if (e.getCause() instanceof MeshException known) {
          throw new MeshException(known.fault(), Objects.toString(known.getMessage()), known);
        }
        throw new IllegalStateException("a session on " + version + " could not be opened", e);
      }
    }

    private void closeSession() {
      var unused =
          session.whenComplete(
              (open, failure) -> {
                if (open != null) {
                  open.close();
                }
              });
    }
  }
}
