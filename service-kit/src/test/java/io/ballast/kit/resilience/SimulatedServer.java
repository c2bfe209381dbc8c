package io.ballast.kit.resilience;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.MeshException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;

/**
 * A server in simulated time: callers come by chance and leave at their deadlines, workers take the
 * more urgent lane first. Discrete events, seeded.
 */
final class SimulatedServer {
  /** What callers of a lane do, and what came of it. */
  static final class Traffic {
    private final double perSecond;
    private final Duration patience;
    private int came;
    private int refused;
    private int answered;

    private Traffic(double perSecond, Duration patience) {
      this.perSecond = perSecond;
      this.patience = patience;
    }

    int came() {
      return came;
    }

    int refused() {
      return refused;
    }

    /** In time. */
    int answered() {
      return answered;
    }
  }

  private record Event(long at, long order, Runnable action) {}

  private static final class Job {
    private final Lane lane;
    private final long arrival;
    private final AdaptiveLimit.@Nullable Permit permit;
    private boolean left;

    Job(Lane lane, long arrival, AdaptiveLimit.@Nullable Permit permit) {
      this.lane = lane;
      this.arrival = arrival;
      this.permit = permit;
    }
  }

  private final int workers;
  private final Duration meanService;
  private final SplittableRandom random;
  private final PriorityQueue<Event> events =
      new PriorityQueue<>(Comparator.comparingLong(Event::at).thenComparingLong(Event::order));
  private final Map<Lane, Deque<Job>> waiting = new EnumMap<>(Lane.class);
  private final Map<Lane, Traffic> traffic = new EnumMap<>(Lane.class);
  private @Nullable AdaptiveLimit limit;
  private Runnable onPersonRefused = () -> {};
  private long now;
  private long order;
  private int busy;
  private boolean counting;

  SimulatedServer(int workers, Duration meanService, long seed) {
    this.workers = workers;
    this.meanService = meanService;
    this.random = new SplittableRandom(seed);
    for (Lane lane : Lane.values()) {
      waiting.put(lane, new ArrayDeque<>());
    }
  }

  long nanoTime() {
    return now;
  }

  void limitBy(AdaptiveLimit chosen) {
    limit = chosen;
  }

  void onPersonRefused(Runnable action) {
    onPersonRefused = action;
  }

  /** What the workers can do together, in calls a second. */
  double capacity() {
    return workers * 1e9 / meanService.toNanos();
  }

  Traffic callers(Lane lane, double perSecond, Duration patience) {
    Traffic callers = new Traffic(perSecond, patience);
    traffic.put(lane, callers);
    after(exponential(1e9 / perSecond), () -> arrive(lane));
    return callers;
  }

  /** Lets so much time pass, what happens in it uncounted. */
  void warmUp(Duration time) {
    run(time, false);
  }

  void measure(Duration time) {
    run(time, true);
  }

  private void run(Duration time, boolean counted) {
    counting = counted;
    long end = now + time.toNanos();
    while (true) {
      Event next = events.peek();
      if (next == null || next.at() > end) {
        now = end;
        return;
      }
      events.remove();
      now = next.at();
      next.action().run();
    }
  }

  private void after(long nanos, Runnable action) {
    events.add(new Event(now + nanos, order++, action));
  }

  private long exponential(double meanNanos) {
    return (long) (-meanNanos * Math.log(1 - random.nextDouble()));
  }

  private void arrive(Lane lane) {
    Traffic callers = Objects.requireNonNull(traffic.get(lane));
    after(exponential(1e9 / callers.perSecond), () -> arrive(lane));
    callers.came += counting ? 1 : 0;
    try {
      Job job = new Job(lane, now, limit == null ? null : limit.acquire(lane));
      Objects.requireNonNull(waiting.get(lane)).add(job);
      after(callers.patience.toNanos(), () -> leave(job));
      work();
    } catch (MeshException e) {
      callers.refused += counting ? 1 : 0;
      if (lane == Lane.INTERACTIVE) {
        onPersonRefused.run();
      }
    }
  }

  private void leave(Job job) {
    if (Objects.requireNonNull(waiting.get(job.lane)).remove(job)) {
      end(job, now - job.arrival);
    }
    job.left = true;
  }

  private static void end(Job job, long waited) {
    if (job.permit != null) {
      job.permit.end(java.util.Optional.of(Duration.ofNanos(waited)));
    }
  }

  private void work() {
    for (Lane lane : Lane.values()) {
      Deque<Job> queue = Objects.requireNonNull(waiting.get(lane));
      while (busy < workers && !queue.isEmpty()) {
        Job job = queue.remove();
        long waited = now - job.arrival;
        busy++;
        after(exponential(meanService.toNanos()), () -> finish(job, waited));
      }
    }
  }

  private void finish(Job job, long waited) {
    busy--;
    end(job, waited);
    if (counting && !job.left) {
      Objects.requireNonNull(traffic.get(job.lane)).answered++;
    }
    work();
  }
}
