package io.ballast.inference.torch;

import io.ballast.inference.api.BusyException;
import io.ballast.inference.api.DecoderStatistics;
import io.ballast.inference.api.ModelException;
import io.ballast.inference.api.ModelException.Reason;
import io.ballast.inference.api.StopReason;
import io.ballast.inference.schedule.RowDemand;
import io.ballast.inference.schedule.RowScheduler;
import io.ballast.inference.schedule.RowScheduler.Plan;
import io.ballast.inference.schedule.ScheduleLimits;
import io.ballast.kit.call.Lane;
import io.ballast.kit.redaction.Wordless;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.bytedeco.pytorch.NoGradGuard;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The thread that owns a decoder's weights: it lets rows in as the scheduler says, steps them, and
 * does pieces of other work between two steps. Its public methods are for any thread.
 */
final class EngineThread implements AutoCloseable {
  /** An engine that had nothing to do for so long gives the memory of keys and values back. */
  private static final long IDLE_MILLIS = 10_000;

  private static final Logger LOG = LoggerFactory.getLogger(EngineThread.class);

  private final TrainedWeights weights;
  private final RotaryTable rotary;
  private final int vocabularySize;
  private final ServingOptions options;
  private final Thread thread;

  private final Object lock = new Object();
  private final RowScheduler<DecodeRow> scheduler;
  private final Deque<EngineTask<?>> tasks = new ArrayDeque<>();
  private volatile DecoderStatistics statistics = DecoderStatistics.none();

  /** Whether a caller has changed what the engine might do next. */
  private boolean nudged;

  private boolean closed;

  /** Read and written by the engine's thread alone. */
  private boolean weightsChanged;

  /**
   * Does nothing until it is started.
   *
   * @param weights closed when the thread ends, and so is {@code rotary}
   * @param vocabularySize the ids that the tokenizer knows
   */
  EngineThread(
      TrainedWeights weights, RotaryTable rotary, int vocabularySize, ServingOptions options) {
    this.weights = weights;
    this.rotary = rotary;
    this.vocabularySize = vocabularySize;
    this.options = options;
    this.scheduler =
        new RowScheduler<>(
            new ScheduleLimits(
                options.maxRows(),
                options.maxQueuedRows(),
                options.keyValueBytes(),
                options.trainerPatience(),
                options.batchPatience()),
            System::nanoTime);
    this.thread = Thread.ofPlatform().daemon().name("torch-decoder").unstarted(this::serve);
  }

  void start() {
    thread.start();
  }

  /** What the engine was doing after its last turn. */
  DecoderStatistics statistics() {
    return statistics;
  }

  /**
   * Queues rows of one demand, all or none.
   *
   * @param within how long the caller waits; empty: for as long as it takes
   * @throws ModelException OVERLOADED if the queue cannot take them all, or would keep them for
   *     longer than that; CLOSED after {@link #close}
   */
  void submit(List<DecodeRow> rows, RowDemand demand, Optional<Duration> within) {
    synchronized (lock) {
      requireOpen();
      if (!scheduler.accepts(rows.size())) {
        throw new ModelException(
            Reason.OVERLOADED,
            "queue: "
                + scheduler.waiting()
                + " completions wait, limit "
                + options.maxQueuedRows());
      }
      requireTime(Duration.ofNanos(scheduler.expectedWait(demand)), within);
      rows.forEach(row -> scheduler.submit(row, demand));
      nudge();
    }
  }

  private static void requireTime(Duration wait, Optional<Duration> within) {
    if (within.isPresent() && wait.compareTo(within.get()) > 0) {
      throw new BusyException(
          "queue: a completion waits some %,d ms for its turn, the caller %,d ms for its end"
              .formatted(wait.toMillis(), within.get().toMillis()),
          wait.minus(within.get()));
    }
  }

  /** Says that a row was cancelled, paused or resumed. */
  void nudge() {
    synchronized (lock) {
      nudged = true;
      lock.notifyAll();
    }
  }

  /**
   * Runs work between steps, after what was asked for before, and waits for it.
   *
   * @param pieces does a piece on the engine's thread; empty until the last one
   * @throws ModelException CLOSED after {@link #close}
   */
  <T> T run(Supplier<Optional<T>> pieces) {
    EngineTask<T> task = new EngineTask<>(pieces);
    synchronized (lock) {
      requireOpen();
      tasks.add(task);
      lock.notifyAll();
    }
    return task.await();
  }

  /** Runs what makes the weights others, and forgets what was computed with those before. */
  void changeWeights(Runnable change) {
    boolean done =
        run(
            () -> {
              change.run();
              weightsChanged = true;
              return Optional.of(true);
            });
    assert done;
  }

  private void requireOpen() {
    if (closed) {
      throw closedException();
    }
  }

  private static ModelException closedException() {
    return new ModelException(Reason.CLOSED, "the decoder was closed");
  }

  private void serve() {
    try (NoGradGuard off = new NoGradGuard();
        DecodeEngine engine =
            new DecodeEngine(weights, rotary, vocabularySize, options, System::nanoTime)) {
      try {
        while (awaitWork(engine)) {
          runTask();
          turn(engine);
        }
      } finally {
        engine.failAll(closedException()); // whatever ends the thread, nobody waits for ever
      }
    } finally {
      endAll();
      weights.close();
      rotary.close();
      FreedMemory.ofProcess().release();
    }
  }

  /** Lets rows in and steps them. A step that fails ends those under way, not the engine. */
  private void turn(DecodeEngine engine) {
    if (weightsChanged) {
      weightsChanged = false;
      engine.prefixes().clear();
    }
    try {
      admit(engine);
      engine.dropCancelled();
      engine.step();
    } catch (RuntimeException | OutOfMemoryError e) {
      LOG.error("a decoding step failed; all completions under way end", Wordless.of(e));
      engine.failAll(new ModelException(Reason.BROKEN, "the engine failed: " + e, e));
    }
    settle(engine);
  }

  /** Waits for something to do; false once the decoder is closed. */
  private boolean awaitWork(DecodeEngine engine) {
    synchronized (lock) {
      boolean waited = false;
      while (!closed && !nudged && tasks.isEmpty() && !engine.hasWork()) {
        if (waited && scheduler.waiting() > 0) {
          break; // somebody may be overdue by now
        }
        try {
          lock.wait(IDLE_MILLIS);
          waited = true;
          if (scheduler.waiting() == 0 && engine.releaseMemory()) {
            FreedMemory.ofProcess().release();
          }
        } catch (InterruptedException e) {
          closed = true;
        }
      }
      nudged = false;
      return !closed;
    }
  }

  /** Does a piece of the task that was asked for first. */
  private void runTask() {
    EngineTask<?> task;
    synchronized (lock) {
      task = tasks.peek();
    }
    if (task != null && task.advance()) {
      synchronized (lock) {
        tasks.remove(task);
      }
    }
  }

  /** Gives places to those whose turn it is, and ends those that have left the queue. */
  private void admit(DecodeEngine engine) {
    List<DecodeRow> left;
    Plan<DecodeRow> plan;
    synchronized (lock) {
      left = scheduler.removeWaiting(DecodeRow::cancelled);
      plan = scheduler.next();
    }
    left.forEach(row -> row.finish(StopReason.CANCELLED));
    engine.begin(plan.begun()); // first, so that none is lost if taking places away fails
    plan.preempted().forEach(engine::remove);
  }

  /** Takes back the places of rows that have ended. */
  private void settle(DecodeEngine engine) {
    List<DecodeRow> ended = engine.takeEnded();
    synchronized (lock) {
      ended.forEach(row -> scheduler.ended(row, row.lastPosition() + 1));
      nudged |= !ended.isEmpty(); // whoever waits may have their place
      statistics = statistics(engine);
    }
  }

  private DecoderStatistics statistics(DecodeEngine engine) {
    Map<Lane, Integer> waiting = new EnumMap<>(Lane.class);
    for (Lane lane : Lane.values()) {
      waiting.put(lane, scheduler.waiting(lane));
    }
    return new DecoderStatistics(
        scheduler.running(),
        waiting,
        engine.keyValueBytes(),
        scheduler.reservedBytes(),
        options.keyValueBytes(),
        engine.prefixes().bytes(),
        engine.prefixes().askedTokens(),
        engine.prefixes().hitTokens(),
        engine.prefilledTokens(),
        engine.drawnTokens(),
        engine.steps(),
        scheduler.preemptions());
  }

  /** Ends what waits when the engine stops. */
  private void endAll() {
    List<EngineTask<?>> unfinished;
    List<DecodeRow> waiting;
    synchronized (lock) {
      closed = true;
      waiting = scheduler.removeWaiting(row -> true);
      unfinished = List.copyOf(tasks);
      tasks.clear();
    }
    waiting.forEach(row -> row.fail(closedException()));
    unfinished.forEach(task -> task.fail(closedException()));
  }

  @Override
  public void close() {
    synchronized (lock) {
      closed = true;
      lock.notifyAll();
    }
    boolean interrupted = false;
    while (thread.isAlive() && Thread.currentThread() != thread) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
