package io.ballast.kit.batching;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * What a queue takes in: work for which there is room, and time until its caller leaves. Guarded by
 * the queue's lock.
 */
final class Entrance {
  private final String subject;
  private final QueueLimits limits;
  private final WaitingJobs<?, ?, ?> waiting;
  private final BatchTimes times;

  /**
   * Takes in everything for which there is room until a batch has run.
   *
   * @param subject what runs, for messages
   */
  Entrance(String subject, QueueLimits limits, WaitingJobs<?, ?, ?> waiting) {
    this.subject = subject;
    this.limits = limits;
    this.waiting = waiting;
    this.times = new BatchTimes(limits.batchWeight());
  }

  /** A batch of so much weight has taken the engine so long. */
  void learn(long weight, Duration time) {
    times.add(weight, time.toNanos());
  }

  /**
   * How long work of a lane that comes now waits for its turn, as far as batches so far tell; what
   * is under way is not counted, nor what may come yet and go before it.
   */
  Duration untilTurn(Lane lane) {
    return Duration.ofNanos(times.nanosOf(waiting.weightUpTo(lane)) / limits.workers());
  }

  /**
   * Refuses what finds no room, or would be too late.
   *
   * @param within how long the caller waits for its answer
   * @throws MeshException OVERLOADED, with the time after which it should be taken
   */
  void require(List<? extends BatchGroup<?, ?>> groups, Lane lane, Duration within) {
    requireRoom(groups.stream().mapToInt(BatchGroup::weight).sum(), lane);
    requireTime(groups.stream().mapToInt(BatchGroup::weight).min().orElse(0), lane, within);
  }

  /**
   * What goes after it takes no room: a queue that is full of batch work still takes a person's.
   */
  private void requireRoom(int weight, Lane lane) {
    long before = waiting.weightUpTo(lane);
    long over = before + weight - limits.queuedWeight();
    if (before == 0 || over <= 0) {
      return;
    }
    Map<String, String> metadata =
        new HashMap<>(
            Map.of(
                "waiting_tokens",
                Long.toString(before),
                "limit",
                Integer.toString(limits.queuedWeight()),
                MeshException.SHED,
                "queue_full"));
    long untilRoom = times.nanosOf(Math.min(before, over)) / limits.workers();
    if (untilRoom > 0) {
      metadata.put(MeshException.RETRY_DELAY, Duration.ofNanos(untilRoom).toString());
    }
    throw new MeshException(
        Fault.OVERLOADED,
        "%s is busy: %,d tokens wait, limit %,d".formatted(subject, before, limits.queuedWeight()),
        metadata);
  }

  /**
   * Refuses what would take the time of those who can still be answered. What finds nothing before
   * it is taken, whatever is expected of the engine, so that what was learned of it never outlives
   * a change for the better.
   *
   * @param first the weight of the group that would be done first
   */
  private void requireTime(int first, Lane lane, Duration within) {
    Duration turn = untilTurn(lane);
    if (turn.isZero()) {
      return;
    }
    Duration late = turn.plusNanos(times.nanosOf(first)).minus(within);
    if (late.isNegative() || late.isZero()) {
      return;
    }
    throw new MeshException(
        Fault.OVERLOADED,
        "%s is busy: work waits some %,d ms for its turn, the caller %,d ms for its answer; nothing was done"
            .formatted(subject, turn.toMillis(), Math.max(0, within.toMillis())),
        Map.of(
            "queue_time",
            turn.toString(),
            "left",
            within.toString(),
            MeshException.SHED,
            "queue_time",
            MeshException.RETRY_DELAY,
            late.toString()));
  }
}
