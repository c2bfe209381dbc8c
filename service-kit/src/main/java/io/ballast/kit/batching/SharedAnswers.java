package io.ballast.kit.batching;

import io.ballast.kit.call.CallPatience;
import io.ballast.kit.call.ItemFault;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.LongAdder;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * Has the same work done once for all of a tenant who ask for it: what was answered whole is kept,
 * and what is on its way is waited for together. Neither an answer nor how long it takes tells one
 * tenant what another asked.
 *
 * <p>No call depends on another one. Work goes on while one of its callers waits and leaves the
 * queue with the last; each waits as long as its own deadline allows. Work is joined only if it is
 * at least as urgent: a person does not wait for a batch job's turn, but has the same work queued
 * again. Thread-safe.
 *
 * @param <K> what the items of a group share
 * @param <I> one piece of work
 * @param <R> what comes of one piece of work: a value or a typed refusal
 */
public final class SharedAnswers<K, I, R> {
  private final BatchedAnswers waits;
  private final Shareable<K, I, R> work;
  private final KeptResults<Question<K, I>, R> kept;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Question<K, I>, Place<K, I, R>> underWay = new HashMap<>();
  private final LongAdder hits = new LongAdder();
  private final LongAdder misses = new LongAdder();
  private final LongAdder joins = new LongAdder();

  /**
   * @param waits how long a call waits
   * @param keptBytes what may be kept; 0: nothing, and only what is on its way is shared
   */
  public SharedAnswers(BatchedAnswers waits, Shareable<K, I, R> work, long keptBytes) {
    this.waits = waits;
    this.work = work;
    this.kept =
        new KeptResults<>(
            keptBytes, (question, result) -> work.bytes(question.key(), question.item(), result));
  }

  /** All that a result depends on, and for whom it is: no tenant learns what another asked. */
  private record Question<K, I>(String tenant, PinnedVersion version, K key, I item) {}

  /** A group on its way. */
  private static final class Job<K, I, R> {
    private final LaneQueues<K, I, R> queues;
    private final Lane lane;
    private final List<Question<K, I>> questions;
    private final Pending<R> queued; // the queue's
    private final CompletableFuture<Batched<R>> answer = new CompletableFuture<>();
    private int calls; // that wait for it; guarded by the lock

    Job(LaneQueues<K, I, R> queues, Lane lane, List<Question<K, I>> questions, Pending<R> queued) {
      this.queues = queues;
      this.lane = lane;
      this.questions = questions;
      this.queued = queued;
    }

    int size() {
      return questions.size();
    }
  }

  /** Where a question's answer will be. */
  private record Place<K, I, R>(Job<K, I, R> job, int index) {}

  /** One call: what it knows already, and what it waits for. */
  private static final class Call<K, I, R> {
    private final Map<Question<K, I>, R> known = new HashMap<>();
    private final Map<Question<K, I>, Place<K, I, R>> places = new HashMap<>();
    private final Set<Job<K, I, R>> jobs = new LinkedHashSet<>();

    boolean has(Question<K, I> question) {
      return known.containsKey(question) || places.containsKey(question);
    }
  }

  /**
   * Returns an answer for each item, in the order of {@code groups}.
   *
   * @param tenant with whom answers are shared
   * @param version the weights that are asked
   * @param queues of that version
   * @param groups the items under each key; may hold an item more than once
   * @throws MeshException OVERLOADED if the queue is full, or would keep work longer than the
   *     caller waits; what the engine threw if it could run nothing for some of the items: all of
   *     them can be asked again
   */
  public Map<K, List<Shared<R>>> ask(
      String tenant,
      PinnedVersion version,
      LaneQueues<K, I, R> queues,
      Map<K, List<I>> groups,
      Lane lane,
      CallPatience patience) {
    long start = waits.nanoTime().getAsLong();
    Call<K, I, R> call = new Call<>();
    Map<K, Set<I>> missing = missing(tenant, version, groups, call);
    if (!missing.isEmpty()) {
      enter(tenant, version, queues, missing, lane, patience, call);
    }
    Map<Job<K, I, R>, Batched<R>> answers;
    try {
      answers = await(call, patience);
    } finally {
      leave(call.jobs);
    }
    Duration waited = since(start);
    Map<K, List<Shared<R>>> all = new LinkedHashMap<>();
    groups.forEach(
        (key, items) ->
            all.put(
                key,
                items.stream()
                    .map(
                        item ->
                            shared(
                                new Question<>(tenant, version, key, item), call, answers, waited))
                    .toList()));
    return all;
  }

  /**
   * Returns an answer for each item as {@link #ask} does, but has every one of them done now, as
   * often as it stands in {@code groups}: nothing is shared and nothing kept.
   *
   * @throws MeshException as {@link #ask}
   */
  public Map<K, List<Shared<R>>> askAnew(
      LaneQueues<K, I, R> queues, Map<K, List<I>> groups, Lane lane, CallPatience patience) {
    long start = waits.nanoTime().getAsLong();
    List<BatchGroup<K, I>> all =
        groups.entrySet().stream()
            .map(
                group ->
                    new BatchGroup<>(
                        group.getKey(),
                        group.getValue(),
                        work.weight(group.getKey(), group.getValue())))
            .toList();
    Map<K, Batched<R>> answers = waits.ask(queues.of(lane), all, lane, patience, work::refused);
    Duration waited = since(start);
    Map<K, List<Shared<R>>> shared = new LinkedHashMap<>();
    answers.forEach(
        (key, answer) ->
            shared.put(
                key,
                IntStream.range(0, answer.results().size())
                    .mapToObj(i -> Shared.of(answer, i, waited))
                    .toList()));
    return shared;
  }

  private Duration since(long start) {
    return Duration.ofNanos(Math.max(0, waits.nanoTime().getAsLong() - start));
  }

  /** Takes what is kept; returns the rest, each item once. */
  private Map<K, Set<I>> missing(
      String tenant, PinnedVersion version, Map<K, List<I>> groups, Call<K, I, R> call) {
    Map<K, Set<I>> missing = new LinkedHashMap<>();
    groups.forEach(
        (key, items) -> {
          for (I item : items) {
            Question<K, I> question = new Question<>(tenant, version, key, item);
            Optional<R> result = kept.get(question);
            if (result.isPresent()) {
              call.known.put(question, result.get());
              hits.increment();
            } else if (!missing.computeIfAbsent(key, unseen -> new LinkedHashSet<>()).add(item)) {
              joins.increment();
            }
          }
        });
    return missing;
  }

  /** Joins what is on its way and queues the rest; whatever is thrown, nothing has been joined. */
  private void enter(
      String tenant,
      PinnedVersion version,
      LaneQueues<K, I, R> queues,
      Map<K, Set<I>> missing,
      Lane lane,
      CallPatience patience,
      Call<K, I, R> call) {
    List<Job<K, I, R>> own = new ArrayList<>();
    lock.lock();
    try {
      missing.forEach(
          (key, items) ->
              items.forEach(
                  item -> find(new Question<>(tenant, version, key, item), queues, lane, call)));
      List<BatchGroup<K, I>> groups = new ArrayList<>();
      missing.forEach(
          (key, items) -> {
            List<I> rest =
                items.stream()
                    .filter(item -> !call.has(new Question<>(tenant, version, key, item)))
                    .toList();
            if (!rest.isEmpty()) {
              groups.add(new BatchGroup<>(key, rest, work.weight(key, rest)));
            }
          });
      List<Pending<R>> answers =
          groups.isEmpty() ? List.of() : waits.submit(queues.of(lane), groups, lane, patience);
      joins.add(call.places.size());
      for (int g = 0; g < groups.size(); g++) {
        own.add(queued(tenant, version, queues, lane, groups.get(g), answers.get(g), call));
      }
      call.places.values().forEach(place -> call.jobs.add(place.job()));
      call.jobs.forEach(job -> job.calls++);
    } finally {
      lock.unlock();
    }
    for (Job<K, I, R> job : own) {
      misses.add(job.size());
      var unused = job.queued.whenComplete((answer, fault) -> arrived(job, answer, fault));
    }
  }

  /** Finds a question on its way, or answered since; the lock is held. */
  private void find(
      Question<K, I> question, LaneQueues<K, I, R> queues, Lane lane, Call<K, I, R> call) {
    Place<K, I, R> place = underWay.get(question);
    if (place != null && place.job().queues == queues && place.job().lane.compareTo(lane) <= 0) {
      call.places.put(question, place);
    } else {
      kept.get(question)
          .ifPresent(
              result -> {
                call.known.put(question, result);
                hits.increment();
              });
    }
  }

  /** Notes what was queued, for others to join; the lock is held. */
  private Job<K, I, R> queued(
      String tenant,
      PinnedVersion version,
      LaneQueues<K, I, R> queues,
      Lane lane,
      BatchGroup<K, I> group,
      Pending<R> answer,
      Call<K, I, R> call) {
    List<Question<K, I>> questions =
        group.items().stream()
            .map(item -> new Question<>(tenant, version, group.key(), item))
            .toList();
    Job<K, I, R> job = new Job<>(queues, lane, questions, answer);
    for (int i = 0; i < questions.size(); i++) {
      Place<K, I, R> place = new Place<>(job, i);
      underWay.put(questions.get(i), place);
      call.places.put(questions.get(i), place);
    }
    return job;
  }

  /**
   * Keeps what lasts, then lets nobody join any more, then tells those who wait: whoever asks finds
   * it on its way or kept.
   */
  private void arrived(Job<K, I, R> job, @Nullable Batched<R> answer, @Nullable Throwable fault) {
    if (answer != null) {
      for (int i = 0; i < job.size(); i++) {
        R result = answer.results().get(i);
        if (work.lasting(result)) {
          kept.put(job.questions.get(i), result);
        }
      }
    }
    lock.lock();
    try {
      forget(job);
    } finally {
      lock.unlock();
    }
    if (answer != null) {
      job.answer.complete(answer);
    } else {
      job.answer.completeExceptionally(Objects.requireNonNull(fault));
    }
  }

  /** Nobody joins a job any more; the lock is held. */
  private void forget(Job<K, I, R> job) {
    for (int i = 0; i < job.size(); i++) {
      underWay.remove(job.questions.get(i), new Place<>(job, i));
    }
  }

  private Map<Job<K, I, R>, Batched<R>> await(Call<K, I, R> call, CallPatience patience) {
    Map<Job<K, I, R>, Batched<R>> answers = new HashMap<>();
    if (call.jobs.isEmpty()) {
      return answers;
    }
    List<Job<K, I, R>> jobs = List.copyOf(call.jobs);
    // copies: what this call gives up is not given up for the others
    List<CompletableFuture<Batched<R>>> mine = jobs.stream().map(job -> job.answer.copy()).toList();
    var unused =
        waits.settle(
            mine,
            jobs.stream().map(job -> job.queued).toList(),
            jobs.stream().map(Job::size).toList(),
            patience,
            work::refused);
    for (int j = 0; j < jobs.size(); j++) {
      answers.put(jobs.get(j), BatchedAnswers.answered(mine.get(j)));
    }
    return answers;
  }

  /** What nobody else waits for is not run. */
  private void leave(Set<Job<K, I, R>> jobs) {
    List<Job<K, I, R>> forsaken = new ArrayList<>();
    lock.lock();
    try {
      for (Job<K, I, R> job : jobs) {
        job.calls--;
        if (job.calls == 0 && !job.queued.isDone()) {
          forget(job);
          forsaken.add(job);
        }
      }
    } finally {
      lock.unlock();
    }
    Set<BatchingQueue<K, I, R>> queues = new LinkedHashSet<>();
    for (Job<K, I, R> job : forsaken) {
      R nobody =
          work.refused(new ItemFault(ItemFault.Reason.CANCELLED, "nobody waits for it any more"));
      job.queued.complete(Batched.refused(job.size(), nobody, Duration.ZERO));
      queues.add(job.queues.of(job.lane));
    }
    queues.forEach(BatchingQueue::forgetAnswered);
  }

  private static <K, I, R> Shared<R> shared(
      Question<K, I> question,
      Call<K, I, R> call,
      Map<Job<K, I, R>, Batched<R>> answers,
      Duration waited) {
    R known = call.known.get(question);
    if (known != null) {
      return Shared.kept(known);
    }
    Place<K, I, R> place = Objects.requireNonNull(call.places.get(question));
    return Shared.of(Objects.requireNonNull(answers.get(place.job())), place.index(), waited);
  }

  /** How many items are on their way. */
  int underWayCount() {
    lock.lock();
    try {
      return underWay.size();
    } finally {
      lock.unlock();
    }
  }

  /** How much was shared since the start. */
  public SharingCounts counts() {
    return new SharingCounts(hits.sum(), misses.sum(), joins.sum(), kept.evictions(), kept.bytes());
  }
}
