package io.ballast.orchestrator.testing;

import io.ballast.orchestrator.core.Faults;
import io.ballast.orchestrator.core.data.ReadSource;
import io.ballast.orchestrator.core.run.IterationMetrics;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunStore;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/** Runs in memory; what is stored outlives the worker that a test kills. */
public final class InMemoryRunStore implements RunStore {
  private static final class Stored {
    private final NewRun created;
    private final List<IterationMetrics> iterations = new ArrayList<>();
    private Run run;
    private LoopState state;
    private PromptSets prompts;

    private Stored(NewRun created) {
      this.created = created;
      this.run = created.run();
      this.state = created.state();
      this.prompts = created.prompts();
    }
  }

  private record Lease(String holder, Instant end) {}

  private final Map<String, Stored> runs = new LinkedHashMap<>();
  private final Map<String, Lease> leases = new HashMap<>();
  private final InstantSource clock;
  private volatile Runnable releasing = () -> {};

  /** Its leases end by {@code clock}. */
  public InMemoryRunStore(InstantSource clock) {
    this.clock = clock;
  }

  private Stored stored(String runId) {
    Stored stored = runs.get(runId);
    if (stored == null) {
      throw Faults.unknown("run", runId);
    }
    return stored;
  }

  @Override
  public synchronized Keyed create(NewRun run) {
    Optional<Keyed> there = byKey(run.run().tenant(), run.idempotencyKey());
    if (there.isPresent()) {
      return there.get();
    }
    runs.put(run.run().runId(), new Stored(run));
    return new Keyed(run.run(), run.fingerprint());
  }

  @Override
  public synchronized Optional<Keyed> byKey(String tenant, String key) {
    return runs.values().stream()
        .filter(each -> !key.isEmpty() && each.created.idempotencyKey().equals(key))
        .filter(each -> each.run.tenant().equals(tenant))
        .map(each -> new Keyed(each.run, each.created.fingerprint()))
        .findFirst();
  }

  @Override
  public synchronized Optional<Run> find(String runId) {
    return Optional.ofNullable(runs.get(runId)).map(each -> each.run);
  }

  @Override
  public synchronized List<Run> newest(String tenant, int limit) {
    return runs.values().stream()
        .map(each -> each.run)
        .filter(run -> run.tenant().equals(tenant))
        .toList()
        .reversed()
        .stream()
        .limit(limit)
        .toList();
  }

  @Override
  public synchronized int pendingCount(String tenant) {
    return (int)
        runs.values().stream()
            .map(each -> each.run)
            .filter(run -> run.tenant().equals(tenant) && run.state().pending())
            .count();
  }

  @Override
  public synchronized List<Run> active() {
    return runs.values().stream()
        .map(each -> each.run)
        .filter(run -> run.state().active())
        .toList();
  }

  @Override
  public synchronized List<IterationMetrics> iterations(String runId, int after, int most) {
    return stored(runId).iterations.stream()
        .filter(each -> each.iteration() > after)
        .limit(most)
        .toList();
  }

  @Override
  public synchronized PromptSets prompts(String runId) {
    return stored(runId).prompts;
  }

  @Override
  public synchronized List<ReadSource> sources(String runId) {
    return stored(runId).prompts.sources();
  }

  @Override
  public synchronized LoopState loopState(String runId) {
    return stored(runId).state;
  }

  /** Puts a state in place of the one that is stored. */
  public synchronized void state(String runId, LoopState state) {
    stored(runId).state = state;
  }

  @Override
  public synchronized Run change(String runId, UnaryOperator<Run> change) {
    Stored stored = stored(runId);
    stored.run = change.apply(stored.run);
    return stored.run;
  }

  @Override
  public synchronized Run renew(String runId, UnaryOperator<Run> change, PromptSets prompts) {
    Run before = stored(runId).run;
    Run changed = change(runId, change);
    if (!changed.equals(before)) {
      stored(runId).prompts = prompts;
    }
    return changed;
  }

  @Override
  public synchronized Run commit(
      String runId,
      UnaryOperator<Run> change,
      IterationMetrics metrics,
      LoopState state,
      Optional<Followed> followed) {
    Stored stored = stored(runId);
    Run next = change.apply(stored.run);
    stored.iterations.add(metrics);
    stored.state = state;
    stored.run = next;
    followed.ifPresent(taken -> stored.prompts = stored.prompts.after(taken));
    return next;
  }

  @Override
  public synchronized boolean lease(String runId, String holder, Duration length) {
    Lease lease = leases.get(runId);
    Instant now = clock.instant();
    if (lease != null && !lease.holder().equals(holder) && lease.end().isAfter(now)) {
      return false;
    }
    leases.put(runId, new Lease(holder, now.plus(length)));
    return true;
  }

  /** What happens before a lease is given back, from now on. */
  public void onRelease(Runnable action) {
    releasing = action;
  }

  @Override
  public synchronized void release(String runId, String holder) {
    releasing.run();
    leases.computeIfPresent(runId, (id, lease) -> lease.holder().equals(holder) ? null : lease);
  }
}
