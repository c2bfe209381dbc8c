package io.ballast.orchestrator.core.run;

import io.ballast.inference.api.ModelException;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.redaction.Wordless;
import io.ballast.orchestrator.core.Faults;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The workers that runs wait for: a bounded number. A slot goes to the tenant that had one the
 * longest ago, and of its runs to the oldest. A run whose worker fails is FAILED with the reason;
 * one whose worker is stopped stays as it is, to be taken up again. Runs that another orchestrator
 * has a lease on are left to it.
 */
public final class RunWorkers implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(RunWorkers.class);

  private final RunStore store;
  private final TrainingLoop loop;
  private final RunFiles files;
  private final RunMonitor monitor;
  private final RunLeases leases;
  private final int slots;
  private final ExecutorService executor;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<String, Future<?>> working = new HashMap<>();

  /** Of each tenant that was given a slot, which turn that was. */
  private final Map<String, Long> turns = new HashMap<>();

  private long turn;
  private boolean open;
  private boolean closed;

  /**
   * @param slots how many runs work at a time, ≥ 1
   */
  public RunWorkers(
      RunStore store,
      TrainingLoop loop,
      RunFiles files,
      RunMonitor monitor,
      RunLeases leases,
      int slots) {
    this.store = store;
    this.loop = loop;
    this.files = files;
    this.monitor = monitor;
    this.leases = leases;
    this.slots = slots;
    this.executor =
        Executors.newFixedThreadPool(slots, Thread.ofPlatform().daemon().name("run-", 0).factory());
  }

  /**
   * Renews the leases of the runs that have a worker here, and takes up those that have none
   * anywhere: that were under way when the process before this one ended, that lost their worker,
   * and those of another orchestrator that renews its leases no more. To be called again and again.
   *
   * @throws MeshException DEPENDENCY_DOWN while the store is away
   */
  public void open() {
    lock.lock();
    try {
      open = true;
      for (Map.Entry<String, Future<?>> worker : working.entrySet()) {
        if (!leases.take(worker.getKey())) {
          LOG.warn("run {} was taken over by another orchestrator", worker.getKey());
          worker.getValue().cancel(true);
        }
      }
    } finally {
      lock.unlock();
    }
    dispatch();
  }

  /**
   * Gives free slots to those who wait. Does nothing before {@link #open}.
   *
   * @throws MeshException DEPENDENCY_DOWN while the store is away
   */
  public void dispatch() {
    lock.lock();
    try {
      if (!open || closed || working.size() >= slots) {
        return;
      }
      List<Run> waiting = new ArrayList<>(store.active());
      waiting.removeIf(run -> working.containsKey(run.runId()));
      while (working.size() < slots && !waiting.isEmpty()) {
        Run run = Collections.min(waiting, Comparator.comparingLong(this::lastTurn));
        waiting.remove(run);
        if (!leases.take(run.runId())) {
          continue; // another orchestrator works on it
        }
        turns.put(run.tenant(), ++turn);
        working.put(run.runId(), executor.submit(() -> work(run.runId())));
      }
    } finally {
      lock.unlock();
    }
  }

  /** When its tenant was given a slot last; of those of one tenant the oldest is the first. */
  private long lastTurn(Run run) {
    return turns.getOrDefault(run.tenant(), 0L);
  }

  /** Whether a worker has the run. */
  boolean has(String runId) {
    lock.lock();
    try {
      return working.containsKey(runId);
    } finally {
      lock.unlock();
    }
  }

  /** Stops the worker that has {@code runId}, if there is one; it lets go as soon as it can. */
  void interrupt(String runId) {
    lock.lock();
    try {
      Future<?> worker = working.get(runId);
      if (worker != null) {
        worker.cancel(true);
      }
    } finally {
      lock.unlock();
    }
  }

  private void work(String runId) {
    try {
      Run taken = store.change(runId, Run::takenUp);
      runToItsEnd(taken);
      cleanUp(runId);
    } catch (RuntimeException e) {
      LOG.warn("run {} could not be taken up or put down: {}", runId, e.getMessage());
    } catch (Error e) {
      LOG.error("run {} could not be taken up or put down", runId, Wordless.of(e));
    } finally {
      var interrupted = Thread.interrupted();
      leases.release(runId);
      lock.lock();
      try {
        working.remove(runId);
      } finally {
        lock.unlock();
      }
    }
    try {
      dispatch();
    } catch (RuntimeException | Error e) { // an Error too: the sweep looks again
      LOG.warn("the next run could not be looked for", Wordless.of(e));
    }
  }

  private void runToItsEnd(Run taken) {
    String runId = taken.runId();
    try {
      LOG.info("run {} ({}) goes on from {}", runId, taken.name(), taken.state());
      loop.run(taken);
    } catch (RunLostException e) {
      LOG.info("{}", e.getMessage());
    } catch (CancellationException e) {
      LOG.info("run {} was stopped: {}", runId, e.getMessage());
    } catch (MeshException e) {
      failUnlessStopped(taken, String.valueOf(e.getMessage()), e);
    } catch (ModelException e) {
      failUnlessStopped(taken, String.valueOf(Faults.of(e).getMessage()), e);
    } catch (OutOfMemoryError e) { // of memory that libraries take: without heap the process ends
      failUnlessStopped(taken, "the orchestrator has no memory left: " + e.getMessage(), e);
    } catch (RuntimeException | Error e) { // an Error too: nobody must wait for ever
      failUnlessStopped(taken, "internal error; the orchestrator's log says more", e);
    }
  }

  private void failUnlessStopped(Run taken, String reason, Throwable cause) {
    if (Thread.currentThread().isInterrupted()) {
      LOG.info("run {} was stopped: {}", taken.runId(), cause.getMessage());
      return;
    }
    if (cause instanceof MeshException || cause instanceof ModelException) {
      LOG.warn("run {} failed: {}", taken.runId(), reason);
    } else if (cause instanceof OutOfMemoryError) {
      LOG.error("run {} failed: {}", taken.runId(), reason, Wordless.of(cause));
    } else {
      LOG.error("run {} failed: a bug", taken.runId(), Wordless.of(cause));
    }
    try {
      store.change(taken.runId(), stored -> stored.heldBy(taken.progress().fence()).failed(reason));
    } catch (RunLostException e) {
      LOG.info("{}", e.getMessage());
    }
  }

  private void cleanUp(String runId) {
    var interrupted = Thread.interrupted(); // it is over: files may be deleted in peace
    Optional<Run> left = store.find(runId);
    left.ifPresent(monitor::left);
    left.filter(run -> run.state().ended()).ifPresent(files::clean);
  }

  /** Stops every worker and waits for it to let go; runs stay as they are. */
  @Override
  public void close() {
    lock.lock();
    try {
      closed = true;
      working.values().forEach(worker -> worker.cancel(true));
    } finally {
      lock.unlock();
    }
    executor.shutdown();
    boolean interrupted = false;
    while (!executor.isTerminated()) {
      try {
        var ended = executor.awaitTermination(1, TimeUnit.MINUTES);
      } catch (InterruptedException e) {
        interrupted = true; // weights must not be freed under a worker's hands
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
