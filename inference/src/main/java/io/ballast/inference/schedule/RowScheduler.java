package io.ballast.inference.schedule;

import io.ballast.kit.call.Lane;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides which rows run. Not thread-safe.
 *
 * <ul>
 *   <li>Lanes in strict order; but a row that has waited longer than its lane's patience is
 *       overdue, and overdue rows may hold an eighth of the places (at least one) whatever else
 *       waits, so nothing starves.
 *   <li>Within a lane the tenant that has had the fewest tokens goes first (start-time fair
 *       queueing, equal weights: Goyal et al. 1996, SIGCOMM). A row is charged the most that it may
 *       come to when it first begins; what it did not use is given back when it ends. A tenant that
 *       was away resumes at the time of the others: idling saves nothing up.
 *   <li>A row begins when its worst case fits the bytes left. One that does not fit is waited for:
 *       nobody behind it begins, or it might never.
 *   <li>An interactive row that finds no room takes that of batch rows, the youngest first, if that
 *       is enough. They go back to the head of their tenant's queue, and keep what they paid.
 * </ul>
 *
 * @param <R> a row; no two that are there at a time are equal
 */
public final class RowScheduler<R> {
  /** Tenants that are away are forgotten beyond so many; they come back as if new. */
  private static final int TENANTS_REMEMBERED = 1_024;

  /** Of about so many rows it is remembered for how long they had their places. */
  private static final int PLACES_REMEMBERED = 32;

  /**
   * What happens now.
   *
   * @param preempted rows that give up their place, before any begins
   * @param begun rows that have a place from now on, in order
   */
  public record Plan<R>(List<R> preempted, List<R> begun) {
    public Plan {
      preempted = List.copyOf(preempted);
      begun = List.copyOf(begun);
    }
  }

  private static final class Entry<R> {
    final R row;
    final RowDemand demand;
    final Tenant<R> tenant;
    final long order;
    long queuedAt;
    long begunAt;
    boolean charged;
    boolean overdue;

    Entry(R row, RowDemand demand, Tenant<R> tenant, long order, long queuedAt) {
      this.row = row;
      this.demand = demand;
      this.tenant = tenant;
      this.order = order;
      this.queuedAt = queuedAt;
    }
  }

  private static final class Tenant<R> {
    final Deque<Entry<R>> waiting = new ArrayDeque<>();
    long tokens;
    int alive;
  }

  private static final class LaneQueue<R> {
    final Map<String, Tenant<R>> tenants = new LinkedHashMap<>();
    long time;
    int waiting;
  }

  private final ScheduleLimits limits;
  private final LongSupplier nanoTime;
  private final Map<Lane, LaneQueue<R>> lanes = new EnumMap<>(Lane.class);

  private final Map<R, Entry<R>> running = new HashMap<>();

  /** Those that run, in the order in which they began. */
  private final List<Entry<R>> begun = new ArrayList<>();

  private long reservedBytes;
  private int overdueRunning;
  private double placeNanos;
  private int placesEnded;
  private long arrivals;
  private long preemptions;

  public RowScheduler(ScheduleLimits limits, LongSupplier nanoTime) {
    this.limits = limits;
    this.nanoTime = nanoTime;
    for (Lane lane : Lane.values()) {
      lanes.put(lane, new LaneQueue<>());
    }
  }

  /** Whether the queue takes so many rows more. */
  public boolean accepts(int rows) {
    return waiting() + rows <= limits.maxQueuedRows() + freeRows();
  }

  private int freeRows() {
    return limits.maxRows() - begun.size();
  }

  /**
   * How many nanoseconds a row that comes now would wait for its place, if rows kept theirs for as
   * long as the last ones did; 0 where it would begin at once, and as long as none has ended. What
   * may come yet and go before it is not counted.
   */
  public long expectedWait(RowDemand demand) {
    int ahead = 0;
    for (Lane lane : Lane.values()) {
      ahead += lane.compareTo(demand.lane()) <= 0 ? lane(lane).waiting : 0;
    }
    int free = demand.bytes() <= limits.bytes() - reservedBytes ? freeRows() : 0;
    long soon = free + preemptedBy(demand.lane());
    if (ahead < soon) {
      return 0;
    }
    return (long) (placeNanos * (ahead - soon + 1) / Math.max(1, begun.size() + free));
  }

  /** The rows whose places one of this lane may have. */
  private long preemptedBy(Lane lane) {
    return lane == Lane.INTERACTIVE
        ? begun.stream()
            .filter(entry -> entry.demand.lane() == Lane.BATCH && !entry.overdue)
            .count()
        : 0;
  }

  /**
   * Queues a row. The caller has asked {@link #accepts}.
   *
   * @throws IllegalArgumentException if it could never begin
   */
  public void submit(R row, RowDemand demand) {
    if (demand.bytes() > limits.bytes()) {
      throw new IllegalArgumentException(
          "demand: %,d bytes (expected: at most %,d)".formatted(demand.bytes(), limits.bytes()));
    }
    LaneQueue<R> lane = lane(demand.lane());
    Tenant<R> tenant = lane.tenants.computeIfAbsent(demand.tenant(), name -> new Tenant<>());
    if (tenant.alive == 0) {
      tenant.tokens = Math.max(tenant.tokens, lane.time);
    }
    tenant.alive++;
    lane.waiting++;
    tenant.waiting.add(new Entry<>(row, demand, tenant, arrivals++, nanoTime.getAsLong()));
  }

  private LaneQueue<R> lane(Lane lane) {
    LaneQueue<R> queue = lanes.get(lane);
    if (queue == null) {
      throw new IllegalStateException("no queue of lane " + lane);
    }
    return queue;
  }

  /** Gives places to whoever may have them now. */
  public Plan<R> next() {
    List<R> preempted = new ArrayList<>();
    List<R> started = new ArrayList<>();
    while (true) {
      Entry<R> entry = head();
      if (entry == null || !makeRoom(entry, preempted)) {
        return new Plan<>(preempted, started);
      }
      begin(entry);
      started.add(entry.row);
    }
  }

  /** The row whose turn it is. */
  private @Nullable Entry<R> head() {
    if (overdueRunning < limits.overdueRows()) {
      Entry<R> overdue = longestOverdue();
      if (overdue != null) {
        overdue.overdue = true;
        return overdue;
      }
    }
    for (Lane lane : Lane.values()) {
      Entry<R> entry = fairest(lane(lane));
      if (entry != null) {
        entry.overdue = false;
        return entry;
      }
    }
    return null;
  }

  private @Nullable Entry<R> longestOverdue() {
    long now = nanoTime.getAsLong();
    Entry<R> found = null;
    for (Lane lane : Lane.values()) {
      if (lane(lane).waiting == 0 || limits.patienceNanos(lane) == Long.MAX_VALUE) {
        continue;
      }
      for (Tenant<R> tenant : lane(lane).tenants.values()) {
        Entry<R> entry = tenant.waiting.peek();
        if (entry != null
            && now - entry.queuedAt >= limits.patienceNanos(lane)
            && (found == null || entry.queuedAt - found.queuedAt < 0)) {
          found = entry;
        }
      }
    }
    return found;
  }

  private static <R> @Nullable Entry<R> fairest(LaneQueue<R> lane) {
    if (lane.waiting == 0) {
      return null;
    }
    Entry<R> found = null;
    for (Tenant<R> tenant : lane.tenants.values()) {
      Entry<R> entry = tenant.waiting.peek();
      if (entry != null && (found == null || goesBefore(entry, found))) {
        found = entry;
      }
    }
    return found;
  }

  private static <R> boolean goesBefore(Entry<R> a, Entry<R> b) {
    // a row that has paid already was begun before, and goes on
    long tokensA = a.tenant.tokens - (a.charged ? a.demand.tokens() : 0);
    long tokensB = b.tenant.tokens - (b.charged ? b.demand.tokens() : 0);
    return tokensA != tokensB ? tokensA < tokensB : a.order < b.order;
  }

  /** Whether there is room for {@code entry}, maybe after pre-emption. */
  private boolean makeRoom(Entry<R> entry, List<R> preempted) {
    int rows = freeRows();
    long bytes = limits.bytes() - reservedBytes;
    if (rows >= 1 && entry.demand.bytes() <= bytes) {
      return true;
    }
    if (entry.demand.lane() != Lane.INTERACTIVE) {
      return false;
    }
    List<Entry<R>> victims = new ArrayList<>();
    for (int i = begun.size() - 1; i >= 0; i--) {
      Entry<R> victim = begun.get(i);
      if (victim.demand.lane() != Lane.BATCH || victim.overdue) {
        continue;
      }
      victims.add(victim);
      rows++;
      bytes += victim.demand.bytes();
      if (rows >= 1 && entry.demand.bytes() <= bytes) {
        // youngest first, and each to the head of its queue: the eldest resumes first
        for (Entry<R> chosen : victims) {
          preempt(chosen);
          preempted.add(chosen.row);
        }
        return true;
      }
    }
    return false;
  }

  private void preempt(Entry<R> entry) {
    release(entry);
    entry.queuedAt = nanoTime.getAsLong();
    entry.tenant.waiting.addFirst(entry);
    lane(entry.demand.lane()).waiting++;
    preemptions++;
  }

  private void begin(Entry<R> entry) {
    LaneQueue<R> lane = lane(entry.demand.lane());
    Entry<R> polled = entry.tenant.waiting.poll();
    if (polled != entry) {
      throw new IllegalStateException("not the head of its tenant's queue");
    }
    lane.waiting--;
    if (!entry.charged) {
      lane.time = Math.max(lane.time, entry.tenant.tokens);
      entry.tenant.tokens += entry.demand.tokens();
      entry.charged = true;
    }
    entry.begunAt = nanoTime.getAsLong();
    running.put(entry.row, entry);
    begun.add(entry);
    reservedBytes += entry.demand.bytes();
    overdueRunning += entry.overdue ? 1 : 0;
  }

  private void release(Entry<R> entry) {
    running.remove(entry.row);
    begun.remove(entry);
    reservedBytes -= entry.demand.bytes();
    overdueRunning -= entry.overdue ? 1 : 0;
  }

  /**
   * Takes back the place of a row that ran, and its tenant's charge for what it did not use. Does
   * nothing for a row that does not run.
   *
   * @param usedTokens prompt included
   */
  public void ended(R row, long usedTokens) {
    Entry<R> entry = running.get(row);
    if (entry != null) {
      release(entry);
      placesEnded = Math.min(placesEnded + 1, PLACES_REMEMBERED);
      placeNanos += (nanoTime.getAsLong() - entry.begunAt - placeNanos) / placesEnded;
      entry.tenant.tokens -= Math.max(0, entry.demand.tokens() - usedTokens);
      leave(entry);
    }
  }

  private void leave(Entry<R> entry) {
    entry.tenant.alive--;
    Map<String, Tenant<R>> tenants = lane(entry.demand.lane()).tenants;
    long time = lane(entry.demand.lane()).time;
    if (entry.tenant.alive == 0
        && (entry.tenant.tokens <= time || tenants.size() > TENANTS_REMEMBERED)) {
      tenants.remove(entry.demand.tenant());
    }
  }

  /** Removes and returns the waiting rows that {@code condition} holds of, in order of arrival. */
  public List<R> removeWaiting(Predicate<R> condition) {
    List<Entry<R>> removed = new ArrayList<>();
    for (LaneQueue<R> lane : lanes.values()) {
      if (lane.waiting > 0) {
        for (Tenant<R> tenant : lane.tenants.values()) {
          tenant.waiting.removeIf(entry -> condition.test(entry.row) && removed.add(entry));
        }
      }
    }
    removed.sort(Comparator.comparingLong(entry -> entry.order));
    for (Entry<R> entry : removed) {
      lane(entry.demand.lane()).waiting--;
      leave(entry);
    }
    return removed.stream().map(entry -> entry.row).toList();
  }

  /** Rows that wait. */
  public int waiting() {
    int all = 0;
    for (LaneQueue<R> lane : lanes.values()) {
      all += lane.waiting;
    }
    return all;
  }

  /** Rows of a lane that wait. */
  public int waiting(Lane lane) {
    return lane(lane).waiting;
  }

  /** Rows that run. */
  public int running() {
    return begun.size();
  }

  /** The bytes that the rows that run may come to take. */
  public long reservedBytes() {
    return reservedBytes;
  }

  /** How often a row has given up its place. */
  public long preemptions() {
    return preemptions;
  }
}
