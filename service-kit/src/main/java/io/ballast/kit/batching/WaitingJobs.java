package io.ballast.kit.batching;

import io.ballast.kit.call.Lane;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.NavigableSet;
import java.util.TreeSet;

/**
 * What waits in a queue, by turn: the more urgent lane first, then who came first; and which of it
 * makes a batch. Guarded by the queue's lock.
 */
final class WaitingJobs<K, I, R> {
  /** What stands behind the next in turn by this many batches is not looked at. */
  private static final int REACH_BATCHES = 8;

  /** Nor what stands behind it by this many jobs, or as many as a batch holds of its weight. */
  private static final int REACH_JOBS = 256;

  private static final Comparator<QueuedJob<?, ?, ?>> IN_TURN =
      Comparator.<QueuedJob<?, ?, ?>, Lane>comparing(QueuedJob::lane)
          .thenComparingLong(QueuedJob::sequence);

  private final NavigableSet<QueuedJob<K, I, R>> waiting = new TreeSet<>(IN_TURN);
  private final int batchWeight;
  private final int[] laneWeights = new int[Lane.values().length];

  /**
   * Starts empty.
   *
   * @param batchWeight as {@link QueueLimits} has it
   */
  WaitingJobs(int batchWeight) {
    this.batchWeight = batchWeight;
  }

  void add(QueuedJob<K, I, R> job) {
    waiting.add(job);
    laneWeights[job.lane().ordinal()] += job.weight();
  }

  boolean isEmpty() {
    return waiting.isEmpty();
  }

  /** The weight of all that waits. */
  int weight() {
    return Arrays.stream(laneWeights).sum();
  }

  /** The weight of what waits in a lane and in those that go before it. */
  long weightUpTo(Lane lane) {
    return Arrays.stream(laneWeights, 0, lane.ordinal() + 1).asLongStream().sum();
  }

  /** Whether the next in turn is of the most urgent lane; there must be one. */
  boolean firstIsUrgent() {
    return waiting.first().urgent();
  }

  /** Takes out what has been answered in another way. */
  void removeAnswered() {
    waiting.removeIf(job -> job.answer().isDone());
    Arrays.fill(laneWeights, 0);
    waiting.forEach(job -> laneWeights[job.lane().ordinal()] += job.weight());
  }

  /** Takes out everything, in turn. */
  List<QueuedJob<K, I, R>> removeAll() {
    List<QueuedJob<K, I, R>> all = List.copyOf(waiting);
    waiting.clear();
    Arrays.fill(laneWeights, 0);
    return all;
  }

  /**
   * Takes a batch: what is next in turn, and beside it what is most like it of those soon behind;
   * nothing if all who waited for it have left. Engines lay groups side by side and pad them to the
   * longest, so a batch counts as its heaviest group times their number. Since the next in turn
   * always goes, nothing waits for more batches than stood before it. A person's work does not take
   * the time of a batch that was filled up with less urgent work, nor is that done by a worker that
   * came for a person who has left.
   */
  List<QueuedJob<K, I, R>> take() {
    boolean urgent = firstIsUrgent();
    while (!waiting.isEmpty() && firstIsUrgent() == urgent) {
      QueuedJob<K, I, R> next = waiting.first();
      remove(next);
      if (!next.answer().isDone()) {
        return withLike(next);
      }
    }
    return List.of();
  }

  private List<QueuedJob<K, I, R>> withLike(QueuedJob<K, I, R> first) {
    List<QueuedJob<K, I, R>> batch = new ArrayList<>(List.of(first));
    long heaviest = first.weight();
    for (QueuedJob<K, I, R> job : soonBehind(first)) {
      long heavier = Math.max(heaviest, job.weight());
      if (heavier * (batch.size() + 1) <= batchWeight) {
        remove(job);
        batch.add(job);
        heaviest = heavier;
      }
    }
    batch.sort(IN_TURN);
    return batch;
  }

  /** Those within reach: of its lane first, of these its key first, of these the likest first. */
  private List<QueuedJob<K, I, R>> soonBehind(QueuedJob<K, I, R> first) {
    List<QueuedJob<K, I, R>> near = new ArrayList<>();
    int most = Math.max(REACH_JOBS, batchWeight / Math.max(1, first.weight()));
    long behind = 0;
    for (QueuedJob<K, I, R> job : waiting) {
      behind += Math.min(job.weight(), batchWeight);
      if (job.urgent() != first.urgent()
          || behind > (long) REACH_BATCHES * batchWeight
          || near.size() == most) {
        break;
      }
      if (!job.answer().isDone()) {
        near.add(job);
      }
    }
    near.sort(
        Comparator.<QueuedJob<K, I, R>, Lane>comparing(QueuedJob::lane)
            .thenComparing(job -> !job.group().key().equals(first.group().key()))
            .thenComparingInt(job -> Math.abs(job.weight() - first.weight()))
            .thenComparingLong(QueuedJob::sequence));
    return near;
  }

  private void remove(QueuedJob<K, I, R> job) {
    waiting.remove(job);
    laneWeights[job.lane().ordinal()] -= job.weight();
  }
}
