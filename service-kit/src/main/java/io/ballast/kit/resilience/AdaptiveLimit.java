package io.ballast.kit.resilience;

import com.netflix.concurrency.limits.Limit;
import com.netflix.concurrency.limits.limit.AIMDLimit;
import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import java.time.Duration;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.LongSupplier;

/**
 * How many calls a server has under way at once, found by how long their work waits for its turn:
 * one more in a window in which it waited no longer than it may on average, a tenth fewer in one in
 * which it did (AIMD: Chiu and Jain 1989, doi:10.1016/0169-7552(89)90019-6). How long the work
 * itself takes changes nothing, so that long generations are no sign of load.
 *
 * <p>Each lane has its own limit, never above that of a more urgent one, whose calls count under it
 * too. What is free is for everybody, and when it gets scarce the least urgent lane loses it first:
 * while a person is refused, no batch call is admitted. Thread-safe.
 */
public final class AdaptiveLimit {
  private static final double BACKOFF = 0.9;

  /** A window is as long as it takes for so many samples, and no shorter than this. */
  private static final int WINDOW_SAMPLES = 10;

  private static final long WINDOW_NANOS = Duration.ofMillis(100).toNanos();

  /** Of about so many calls of a lane it is remembered how long they took. */
  private static final int CALLS_REMEMBERED = 32;

  private final String server;
  private final LongSupplier nanoTime;
  private final ReentrantLock lock = new ReentrantLock();
  private final Map<Lane, LaneLimit> lanes = new EnumMap<>(Lane.class);

  /** What is known of a lane; guarded by the lock. */
  private static final class LaneLimit {
    private final Limit limit;
    private final long mostWait;
    private final Timer wait;
    private int inFlight;
    private long windowStart;
    private int samples;
    private long waits;
    private int lent; // samples of less urgent lanes, which count where it has none of its own
    private long lentWaits;
    private int mostUsed;
    private int calls;
    private double callNanos;

    LaneLimit(Lane lane, LimitSettings settings, long now, Timer wait) {
      this.wait = wait;
      windowStart = now;
      mostWait = settings.wait(lane).toNanos();
      limit =
          AIMDLimit.newBuilder()
              .initialLimit(settings.initial())
              .minLimit(settings.least())
              .maxLimit(settings.most())
              .backoffRatio(BACKOFF)
              .timeout(mostWait, TimeUnit.NANOSECONDS)
              .build();
    }

    void waited(boolean own, long nanos, int used, long now) {
      if (own) {
        samples++;
        waits += nanos;
      } else {
        lent++;
        lentWaits += nanos;
      }
      mostUsed = Math.max(mostUsed, used);
      if (samples + lent >= WINDOW_SAMPLES && now - windowStart >= WINDOW_NANOS) {
        limit.onSample(
            windowStart, samples > 0 ? waits / samples : lentWaits / lent, mostUsed, false);
        windowStart = now;
        samples = 0;
        waits = 0;
        lent = 0;
        lentWaits = 0;
        mostUsed = 0;
      }
    }

    void took(long nanos) {
      calls = Math.min(calls + 1, CALLS_REMEMBERED);
      callNanos += (nanos - callNanos) / calls;
    }
  }

  /**
   * Admits calls from now on.
   *
   * @param server its name in messages and metrics, such as {@code policy}
   */
  public AdaptiveLimit(
      String server, LimitSettings settings, LongSupplier nanoTime, MeterRegistry meters) {
    this.server = server;
    this.nanoTime = nanoTime;
    for (Lane lane : Lane.values()) {
      String tag = lane.name().toLowerCase(Locale.ROOT);
      Timer wait =
          Timer.builder("ballast.limit.wait")
              .description("How long work of a lane's calls waited for its turn")
              .tag("server", server)
              .tag("lane", tag)
              .register(meters);
      lanes.put(lane, new LaneLimit(lane, settings, nanoTime.getAsLong(), wait));
      Gauge.builder("ballast.limit", this, limit -> limit.limit(lane))
          .description("Calls of a lane and of more urgent ones that may be under way")
          .tag("server", server)
          .tag("lane", tag)
          .register(meters);
      Gauge.builder("ballast.limit.inflight", this, limit -> limit.inFlight(lane))
          .description("Calls of a lane under way")
          .tag("server", server)
          .tag("lane", tag)
          .register(meters);
    }
  }

  /** Leave for one call. Ends once; later ends are ignored. */
  public final class Permit {
    private final Lane lane;
    private final int used;
    private final long start;
    private boolean ended; // guarded by the lock
    private boolean told; // guarded by the lock

    private Permit(Lane lane, int used, long start) {
      this.lane = lane;
      this.used = used;
      this.start = start;
    }

    /**
     * Gives the place back.
     *
     * @param waited how long work of the call waited for its turn; empty: it had none that waits,
     *     which says nothing of the load
     */
    public void end(Optional<Duration> waited) {
      lock.lock();
      try {
        if (ended) {
          return;
        }
        ended = true;
        LaneLimit of = of(lane);
        of.inFlight--;
        long now = nanoTime.getAsLong();
        if (waited.isPresent()) {
          of.took(now - start);
          learn(waited.get(), now);
        }
      } finally {
        lock.unlock();
      }
    }

    /**
     * Tells how long work of the call waited, if its end did not: the place of a caller that left,
     * or whose deadline passed, is given back before what worked for it can tell. Under overload
     * these are most calls, and without them the limit would stay where it is.
     */
    public void waited(Duration wait) {
      lock.lock();
      try {
        if (ended && !told) {
          learn(wait, nanoTime.getAsLong());
        }
      } finally {
        lock.unlock();
      }
    }

    private void learn(Duration wait, long now) {
      told = true;
      of(lane).wait.record(wait);
      AdaptiveLimit.this.learn(lane, wait.toNanos(), used, now);
    }
  }

  /**
   * For what a less urgent lane did not have to wait, a more urgent one would not have either: of
   * the same model. So it counts for a lane that has no work now, and hides no wait of its own.
   */
  private void learn(Lane from, long nanos, int used, long now) {
    lanes.forEach(
        (lane, of) -> {
          boolean own = lane == from;
          if (own || (lane.compareTo(from) < 0 && nanos <= of.mostWait)) {
            of.waited(own, nanos, used, now);
          }
        });
  }

  /**
   * Returns leave for a call.
   *
   * @throws MeshException OVERLOADED if as many are under way as there may be
   */
  public Permit acquire(Lane lane) {
    lock.lock();
    try {
      LaneLimit of = of(lane);
      int before = upTo(lane);
      int limit = limit(lane);
      if (before >= limit) {
        throw refused(lane, of, limit);
      }
      of.inFlight++;
      return new Permit(lane, before + 1, nanoTime.getAsLong());
    } finally {
      lock.unlock();
    }
  }

  private MeshException refused(Lane lane, LaneLimit of, int limit) {
    Map<String, String> metadata =
        new HashMap<>(
            Map.of(
                "lane",
                lane.name(),
                "limit",
                Integer.toString(limit),
                MeshException.SHED,
                "concurrency_limit"));
    if (of.calls > 0) { // by then those that are under way have ended
      metadata.put(MeshException.RETRY_DELAY, Duration.ofNanos((long) of.callNanos).toString());
    }
    return new MeshException(
        Fault.OVERLOADED,
        "%s: %,d calls of lane %s and more urgent ones are under way, the limit for now; slow down"
            .formatted(server, limit, lane),
        metadata);
  }

  /** How many calls of a lane and of more urgent ones may be under way now. */
  public int limit(Lane lane) {
    int least = Integer.MAX_VALUE;
    for (Map.Entry<Lane, LaneLimit> each : lanes.entrySet()) {
      if (each.getKey().compareTo(lane) <= 0) {
        least = Math.min(least, each.getValue().limit.getLimit());
      }
    }
    return least;
  }

  /** How many calls of a lane are under way. */
  public int inFlight(Lane lane) {
    lock.lock();
    try {
      return of(lane).inFlight;
    } finally {
      lock.unlock();
    }
  }

  private int upTo(Lane lane) {
    int all = 0;
    for (Map.Entry<Lane, LaneLimit> each : lanes.entrySet()) {
      all += each.getKey().compareTo(lane) <= 0 ? each.getValue().inFlight : 0;
    }
    return all;
  }

  private LaneLimit of(Lane lane) {
    return Objects.requireNonNull(lanes.get(lane));
  }
}
