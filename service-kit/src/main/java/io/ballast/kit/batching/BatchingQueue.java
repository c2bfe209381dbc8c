package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import java.util.function.LongSupplier;

/**
 * Makes batches of what many callers ask of one engine: by a budget of work, with a bounded wait,
 * the more urgent lane first, groups of like weight and of equal keys together whoever asks. A
 * batch of the most urgent lane holds nothing else, and may run beside those that are under way
 * when it comes. A full queue refuses at once, and so does one in which work would wait longer than
 * its caller does. An engine hears when the last of a batch's callers has left. Thread-safe.
 *
 * @param <K> what the items of a group share
 * @param <I> one piece of work
 * @param <R> what comes of one piece of work: a value or a typed refusal
 */
public final class BatchingQueue<K, I, R> implements AutoCloseable {
  private final String subject;
  private final BatchEngine<K, I, R> engine;
  private final Function<ItemFault, R> refusal;
  private final QueueLimits limits;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final Condition urgentArrived = lock.newCondition();
  private final WaitingJobs<K, I, R> waiting;
  private final Entrance entrance;
  private final List<Thread> workers = new ArrayList<>();
  private int urgentRunning;
  private long sequence;
  private boolean closed;

  /**
   * Starts the workers.
   *
   * @param subject what runs, for messages and thread names, such as {@code java-reward 1}
   * @param engine runs the batches; closed with the queue
   * @param refusal makes a result of what kept an item from being run
   */
  public BatchingQueue(
      String subject,
      BatchEngine<K, I, R> engine,
      Function<ItemFault, R> refusal,
      QueueLimits limits,
      LongSupplier nanoTime) {
    this.subject = subject;
    this.engine = engine;
    this.refusal = refusal;
    this.limits = limits;
    this.waiting = new WaitingJobs<>(limits.batchWeight());
    this.entrance = new Entrance(subject, limits, waiting);
    this.nanoTime = nanoTime;
    String name = "batch-" + subject.replace(' ', '-') + "-";
    for (int i = 0; i < limits.workers(); i++) {
      workers.add(Thread.ofPlatform().daemon().name(name + i).start(() -> work(false)));
    }
    for (int i = 0; i < limits.urgentWorkers(); i++) {
      workers.add(Thread.ofPlatform().daemon().name(name + "urgent-" + i).start(() -> work(true)));
    }
  }

  private record Batch<K, I, R>(List<QueuedJob<K, I, R>> jobs, long taken, long closed) {
    boolean urgent() {
      return jobs.getFirst().urgent();
    }
  }

  /** All callers of a batch, as one who leaves with the last of them. */
  private static final class Callers implements CallPatience {
    private final CompletableFuture<Void> allAnswered;
    private volatile boolean ended;

    Callers(Batch<?, ?, ?> batch) {
      allAnswered =
          CompletableFuture.allOf(
              batch.jobs().stream().map(QueuedJob::answer).toArray(CompletableFuture[]::new));
    }

    /** The engine has come to its end: who is answered now has not left. */
    void end() {
      ended = true;
    }

    /** Each caller has its own deadline, with which it leaves. */
    @Override
    public Optional<Duration> remaining() {
      return Optional.empty();
    }

    @Override
    public boolean cancelled() {
      return !ended && allAnswered.isDone();
    }

    @Override
    public void onCancel(Runnable action) {
      var unused =
          allAnswered.whenComplete(
              (all, fault) -> {
                if (!ended) {
                  action.run();
                }
              });
    }
  }

  /**
   * Queues groups; each future completes with results or typed refusals, unless the caller
   * completes it first: then it is not run. It completes exceptionally only with a {@link
   * MeshException} of the engine: what keeps it from running anything, such as a server that is
   * away.
   *
   * @param within how long the caller waits for its answer
   * @throws MeshException OVERLOADED if the queue has no room for all of them, or if nothing of
   *     them would be done by then; MODEL_LOADING if it is closed
   */
  List<Pending<R>> submit(List<BatchGroup<K, I>> groups, Lane lane, Duration within) {
    lock.lock();
    try {
      if (closed) {
        throw new MeshException(Fault.MODEL_LOADING, subject + " is being closed; try again");
      }
      entrance.require(groups, lane, within);
      List<Pending<R>> answers = new ArrayList<>(groups.size());
      for (BatchGroup<K, I> group : groups) {
        QueuedJob<K, I, R> job =
            new QueuedJob<>(group, lane, sequence++, nanoTime.getAsLong(), new Pending<>());
        waiting.add(job);
        answers.add(job.answer());
      }
      arrived.signalAll();
      if (lane == Lane.INTERACTIVE) {
        urgentArrived.signalAll();
      }
      return answers;
    } finally {
      lock.unlock();
    }
  }

  /** Queues groups of a caller who waits for as long as it takes. */
  List<Pending<R>> submit(List<BatchGroup<K, I>> groups, Lane lane) {
    return submit(groups, lane, Duration.ofNanos(Long.MAX_VALUE));
  }

  /**
   * How long work of a lane that comes now waits for its turn, as far as batches so far tell; what
   * is under way is not counted, nor what may come yet and go before it.
   */
  public Duration expectedWait(Lane lane) {
    lock.lock();
    try {
      return entrance.untilTurn(lane);
    } finally {
      lock.unlock();
    }
  }

  /** Takes out what has been answered in another way: nobody waits for it any more. */
  public void forgetAnswered() {
    lock.lock();
    try {
      waiting.removeAnswered();
    } finally {
      lock.unlock();
    }
  }

  /** The work that waits for a worker. */
  public int waitingWeight() {
    lock.lock();
    try {
      return waiting.weight();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs batches until the queue is closed.
   *
   * @param urgentOnly of the most urgent lane only, while fewer of them run than there are workers
   *     for all: a core's worth of them is not divided further
   */
  private void work(boolean urgentOnly) {
    try {
      while (true) {
        Batch<K, I, R> batch = take(urgentOnly);
        if (batch.jobs().isEmpty()) {
          return;
        }
        run(batch);
        if (batch.urgent()) {
          urgentEnded();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed while it waited for company
    }
  }

  /** Returns the next batch; an empty one when the queue is closed. */
  private Batch<K, I, R> take(boolean urgentOnly) throws InterruptedException {
    Condition come = urgentOnly ? urgentArrived : arrived;
    lock.lockInterruptibly();
    try {
      while (true) {
        while (!closed && !hasWork(urgentOnly)) {
          come.await();
        }
        long taken = nanoTime.getAsLong();
        long left = limits.batchWait().toNanos();
        while (left > 0 && waiting.weight() < limits.batchWeight() && !closed) {
          left = come.awaitNanos(left);
        }
        List<QueuedJob<K, I, R>> jobs = hasWork(urgentOnly) ? waiting.take() : List.of();
        if (!jobs.isEmpty() || closed) {
          Batch<K, I, R> batch = new Batch<>(jobs, taken, nanoTime.getAsLong());
          urgentRunning += !jobs.isEmpty() && batch.urgent() ? 1 : 0;
          jobs.forEach(
              job -> job.answer().begin(queued(job, batch), gathered(job, batch), batch.closed()));
          return batch;
        }
      }
    } finally {
      lock.unlock();
    }
  }

  private boolean hasWork(boolean urgentOnly) {
    return !waiting.isEmpty()
        && (!urgentOnly || (waiting.firstIsUrgent() && urgentRunning < limits.workers()));
  }

  /** Whoever ends such a batch looks for the next itself, so nobody need be woken. */
  private void urgentEnded() {
    lock.lock();
    try {
      urgentRunning--;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Runs a batch; if the engine throws an exception, each group alone, so that no caller fails for
   * another. An error, such as no memory left, and what the engine itself calls a fault of the mesh
   * are nobody's input and would only come again.
   */
  private void run(Batch<K, I, R> batch) {
    try {
      complete(batch);
    } catch (MeshException fault) {
      batch.jobs().forEach(job -> job.answer().completeExceptionally(fault));
    } catch (Throwable thrown) { // the callers must hear of everything, of errors too
      if (thrown instanceof Exception && batch.jobs().size() > 1) {
        batch.jobs().stream()
            .filter(job -> !job.answer().isDone())
            .forEach(job -> run(new Batch<>(List.of(job), batch.taken(), nanoTime.getAsLong())));
        return;
      }
      R refused =
          refusal.apply(
              new ItemFault(
                  ItemFault.Reason.MODEL_ERROR, subject + " failed: " + thrown.getMessage()));
      for (QueuedJob<K, I, R> job : batch.jobs()) {
        job.answer().complete(Batched.refused(job.size(), refused, queued(job, batch)));
      }
    }
  }

  private void complete(Batch<K, I, R> batch) {
    List<BatchGroup<K, I>> groups = byKey(batch);
    Callers callers = new Callers(batch);
    List<List<R>> results;
    try {
      results = engine.run(groups, callers);
    } finally {
      callers.end();
    }
    Duration infer = Duration.ofNanos(nanoTime.getAsLong() - batch.closed());
    learn(batch, infer);
    Map<K, List<R>> left = new LinkedHashMap<>();
    for (int g = 0; g < groups.size(); g++) {
      List<R> ofGroup = results.get(g);
      requireSize(ofGroup.size(), groups.get(g).items().size());
      left.put(groups.get(g).key(), ofGroup);
    }
    for (QueuedJob<K, I, R> job : batch.jobs()) {
      List<R> rest = left.getOrDefault(job.group().key(), List.of());
      left.put(job.group().key(), rest.subList(job.size(), rest.size()));
      job.answer().complete(answer(job, batch, rest.subList(0, job.size()), infer));
    }
  }

  /** What everybody has left may have ended early: it says nothing. */
  private void learn(Batch<K, I, R> batch, Duration infer) {
    if (batch.jobs().stream().allMatch(job -> job.answer().isDone())) {
      return;
    }
    lock.lock();
    try {
      entrance.learn(batch.jobs().stream().mapToLong(QueuedJob::weight).sum(), infer);
    } finally {
      lock.unlock();
    }
  }

  private static void requireSize(int results, int items) {
    if (results != items) {
      throw new IllegalStateException(
          "%,d results for %,d items (expected: one each)".formatted(results, items));
    }
  }

  private static <K, I, R> List<BatchGroup<K, I>> byKey(Batch<K, I, R> batch) {
    Map<K, List<I>> items = new LinkedHashMap<>();
    Map<K, Integer> weights = new LinkedHashMap<>();
    for (QueuedJob<K, I, R> job : batch.jobs()) {
      BatchGroup<K, I> group = job.group();
      items.computeIfAbsent(group.key(), key -> new ArrayList<>()).addAll(group.items());
      weights.merge(group.key(), group.weight(), Integer::sum);
    }
    List<BatchGroup<K, I>> groups = new ArrayList<>();
    items.forEach(
        (key, all) -> groups.add(new BatchGroup<>(key, all, weights.getOrDefault(key, 0))));
    return groups;
  }

  private static <K, I, R> Batched<R> answer(
      QueuedJob<K, I, R> job, Batch<K, I, R> batch, List<R> results, Duration infer) {
    return new Batched<>(results, queued(job, batch), gathered(job, batch), infer);
  }

  private static <K, I, R> Duration queued(QueuedJob<K, I, R> job, Batch<K, I, R> batch) {
    return Duration.ofNanos(Math.max(0, batch.taken() - job.arrival()));
  }

  private static <K, I, R> Duration gathered(QueuedJob<K, I, R> job, Batch<K, I, R> batch) {
    return Duration.ofNanos(Math.max(0, batch.closed() - Math.max(batch.taken(), job.arrival())));
  }

  /** Stops taking work, lets batches under way end, closes the engine. */
  @Override
  public void close() {
    List<QueuedJob<K, I, R>> left;
    lock.lock();
    try {
      closed = true;
      left = waiting.removeAll();
      arrived.signalAll();
      urgentArrived.signalAll();
    } finally {
      lock.unlock();
    }
    R refused = refusal.apply(new ItemFault(ItemFault.Reason.CANCELLED, "the server is stopping"));
    for (QueuedJob<K, I, R> job : left) {
      job.answer().complete(Batched.refused(job.size(), refused, Duration.ZERO));
    }
    for (Thread worker : workers) {
      try {
        worker.join(TimeUnit.SECONDS.toMillis(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    engine.close();
  }
}
