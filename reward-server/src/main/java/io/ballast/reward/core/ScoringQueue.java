package io.ballast.reward.core;

import io.ballast.inference.api.TokenIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * Makes batches of what many callers ask of one ensemble: by token budget, with a bounded wait, the
 * more urgent lane first, and completions of equal prompts together whoever asks. A full queue
 * refuses at once. Thread-safe.
 */
final class ScoringQueue implements AutoCloseable {
  private final MemberScorer scorer;
  private final QueueLimits limits;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition arrived = lock.newCondition();
  private final PriorityQueue<Job> waiting =
      new PriorityQueue<>(Comparator.comparing(Job::lane).thenComparingLong(Job::sequence));
  private final List<Thread> workers = new ArrayList<>();
  private int waitingTokens;
  private long sequence;
  private boolean closed;

  ScoringQueue(String name, MemberScorer scorer, QueueLimits limits, LongSupplier nanoTime) {
    this.scorer = scorer;
    this.limits = limits;
    this.nanoTime = nanoTime;
    for (int i = 0; i < limits.workers(); i++) {
      workers.add(Thread.ofPlatform().daemon().name("score-" + name + "-" + i).start(this::work));
    }
  }

  private record Job(
      PromptGroup group,
      Lane lane,
      long sequence,
      long arrival,
      CompletableFuture<Batched> answer) {}

  private record Batch(List<Job> jobs, long taken, long closed) {}

  /**
   * Queues groups; each future completes with scores or typed refusals, never exceptionally, unless
   * the caller cancels it: then it is not scored.
   *
   * @throws MeshException OVERLOADED if the queue has no room for all of them
   */
  List<CompletableFuture<Batched>> submit(List<PromptGroup> groups, Lane lane) {
    int tokens = groups.stream().mapToInt(PromptGroup::tokens).sum();
    lock.lock();
    try {
      if (closed) {
        throw new MeshException(Fault.MODEL_LOADING, "the ensemble is being closed; try again");
      }
      if (waitingTokens > 0 && waitingTokens + tokens > limits.queuedTokens()) {
        throw new MeshException(
            Fault.OVERLOADED,
            "reward models are busy: %,d tokens wait, limit %,d"
                .formatted(waitingTokens, limits.queuedTokens()),
            Map.of(
                "waiting_tokens", Integer.toString(waitingTokens),
                "limit", Integer.toString(limits.queuedTokens())));
      }
      List<CompletableFuture<Batched>> answers = new ArrayList<>(groups.size());
      for (PromptGroup group : groups) {
        Job job = new Job(group, lane, sequence++, nanoTime.getAsLong(), new CompletableFuture<>());
        waiting.add(job);
        answers.add(job.answer());
      }
      waitingTokens += tokens;
      arrived.signalAll();
      return answers;
    } finally {
      lock.unlock();
    }
  }

  /** Takes out what has been answered in another way: nobody waits for it any more. */
  void forgetAnswered() {
    lock.lock();
    try {
      waiting.removeIf(job -> job.answer().isDone());
      waitingTokens = waiting.stream().mapToInt(job -> job.group().tokens()).sum();
    } finally {
      lock.unlock();
    }
  }

  /** The tokens that wait for a worker. */
  int waitingTokens() {
    lock.lock();
    try {
      return waitingTokens;
    } finally {
      lock.unlock();
    }
  }

  private void work() {
    try {
      while (true) {
        Batch batch = take();
        if (batch.jobs().isEmpty()) {
          return;
        }
        run(batch);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt(); // closed while it waited for company
    }
  }

  /** Returns the next batch; an empty one when the queue is closed. */
  private Batch take() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (waiting.isEmpty() && !closed) {
        arrived.await();
      }
      long taken = nanoTime.getAsLong();
      long left = limits.batchWait().toNanos();
      while (left > 0 && waitingTokens < limits.batchTokens() && !closed) {
        left = arrived.awaitNanos(left);
      }
      List<Job> jobs = new ArrayList<>();
      int tokens = 0;
      while (!waiting.isEmpty()
          && (jobs.isEmpty() || tokens + waiting.peek().group().tokens() <= limits.batchTokens())) {
        Job job = waiting.remove();
        waitingTokens -= job.group().tokens();
        if (!job.answer().isDone()) {
          tokens += job.group().tokens();
          jobs.add(job);
        }
      }
      if (jobs.isEmpty() && !closed) {
        return take();
      }
      return new Batch(jobs, taken, nanoTime.getAsLong());
    } finally {
      lock.unlock();
    }
  }

  private void run(Batch batch) {
    Map<TokenIds, List<TokenIds>> byPrompt = new LinkedHashMap<>();
    for (Job job : batch.jobs()) {
      byPrompt
          .computeIfAbsent(job.group().prompt(), prompt -> new ArrayList<>())
          .addAll(job.group().completions());
    }
    List<PromptGroup> groups = new ArrayList<>();
    byPrompt.forEach((prompt, completions) -> groups.add(new PromptGroup(prompt, completions)));
    try {
      List<List<CompletionScores>> scores = scorer.score(groups);
      Duration infer = Duration.ofNanos(nanoTime.getAsLong() - batch.closed());
      Map<TokenIds, List<CompletionScores>> left = new LinkedHashMap<>();
      for (int g = 0; g < groups.size(); g++) {
        left.put(groups.get(g).prompt(), scores.get(g));
      }
      for (Job job : batch.jobs()) {
        int size = job.group().completions().size();
        List<CompletionScores> rest = left.getOrDefault(job.group().prompt(), List.of());
        left.put(job.group().prompt(), rest.subList(size, rest.size()));
        job.answer().complete(answer(job, batch, rest.subList(0, size), infer));
      }
    } catch (RuntimeException | LinkageError e) { // the callers must hear of everything
      ItemFault fault =
          new ItemFault(ItemFault.Reason.MODEL_ERROR, "the ensemble failed: " + e.getMessage());
      for (Job job : batch.jobs()) {
        job.answer()
            .complete(Batched.refused(job.group().completions().size(), fault, queued(job, batch)));
      }
    }
  }

  private static Batched answer(
      Job job, Batch batch, List<CompletionScores> scores, Duration infer) {
    long wait = batch.closed() - Math.max(batch.taken(), job.arrival());
    return new Batched(scores, queued(job, batch), Duration.ofNanos(Math.max(0, wait)), infer);
  }

  private static Duration queued(Job job, Batch batch) {
    return Duration.ofNanos(Math.max(0, batch.taken() - job.arrival()));
  }

  /** Stops taking work, lets batches under way end, frees the model. */
  @Override
  public void close() {
    List<Job> left;
    lock.lock();
    try {
      closed = true;
      left = List.copyOf(waiting);
      waiting.clear();
      waitingTokens = 0;
      arrived.signalAll();
    } finally {
      lock.unlock();
    }
    ItemFault fault = new ItemFault(ItemFault.Reason.CANCELLED, "the server is stopping");
    for (Job job : left) {
      job.answer()
          .complete(Batched.refused(job.group().completions().size(), fault, Duration.ZERO));
    }
    for (Thread worker : workers) {
      try {
        worker.join(TimeUnit.SECONDS.toMillis(10));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
    scorer.close();
  }
}
