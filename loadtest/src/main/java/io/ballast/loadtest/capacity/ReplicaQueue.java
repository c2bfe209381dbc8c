package io.ballast.loadtest.capacity;

import java.util.Comparator;
import java.util.PriorityQueue;
import org.jspecify.annotations.Nullable;

/**
 * One replica, whose work under way shares its cores: processor sharing, with a speed that depends
 * on how many there are. All of it progresses alike, so what each still needs is counted on a clock
 * of its own, which runs as fast as one piece of work progresses.
 *
 * <p>Source: Kleinrock 1976, Queueing Systems II, §4.4.
 *
 * @param <J> what works
 */
final class ReplicaQueue<J> {
  private final PriorityQueue<Work<J>> underWay =
      new PriorityQueue<>(
          Comparator.comparingDouble((Work<J> work) -> work.end).thenComparingLong(w -> w.order));
  private final Speeds speeds;
  private double clock;
  private double now;
  private double busyCoreSeconds;
  private long orders;

  /** A piece of work, and where it ends on the queue's own clock. */
  private record Work<J>(J job, double end, long order) {}

  ReplicaQueue(Speeds speeds) {
    this.speeds = speeds;
  }

  /**
   * Begins a piece of work.
   *
   * @param at seconds, not before any other call
   * @param seconds that it takes alone, ≥ 0
   */
  void begin(J job, double at, double seconds) {
    advance(at);
    underWay.add(new Work<>(job, clock + seconds, orders++));
  }

  /** When the next piece of work ends if nothing else comes; infinite if none is under way. */
  double nextEnd() {
    Work<J> next = underWay.peek();
    return next == null
        ? Double.POSITIVE_INFINITY
        : now + Math.max(0, next.end - clock) / speeds.of(underWay.size());
  }

  /** Ends the piece of work that {@link #nextEnd} spoke of. */
  @Nullable J end(double at) {
    advance(at);
    Work<J> ended = underWay.poll();
    if (ended == null) {
      return null;
    }
    clock = Math.max(clock, ended.end); // and not what rounding left of it
    return ended.job;
  }

  int size() {
    return underWay.size();
  }

  /**
   * How many seconds its cores have worked, together.
   *
   * @param at seconds, not before any other call
   */
  double busyCoreSeconds(double at) {
    advance(at);
    return busyCoreSeconds;
  }

  private void advance(double at) {
    int count = underWay.size();
    if (count > 0) {
      clock += (at - now) * speeds.of(count);
      busyCoreSeconds += (at - now) * speeds.busyCores(count);
    }
    now = at;
  }
}
