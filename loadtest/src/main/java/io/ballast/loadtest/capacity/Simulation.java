package io.ballast.loadtest.capacity;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.random.RandomGenerator;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * A discrete-event simulation of calls that visit pools of replicas. Each visit takes the processor
 * time that was measured, spread as it was, and shares the cores of its replica with all other work
 * there; what calls save by sharing batches is what was measured of as many at a time.
 *
 * <p>Not in it: the network between machines, garbage collection beyond what was measured, a limit
 * that sheds. It answers how long queues make calls wait.
 */
final class Simulation {
  private static final int PARTS = 10;

  /** Student's t at 95 % for the mean of ten parts. */
  private static final double T_NINE = 2.262;

  /** The share of calls before anything is counted. */
  private static final double WARM_UP = 0.2;

  /** A replica with so much work does not keep up. */
  private static final int HOPELESS = 20_000;

  private final CapacityFigures figures;
  private final Balancing balancing;
  private final long calls;

  /**
   * @param calls that are simulated, warm-up included, ≥ 1,000
   */
  Simulation(CapacityFigures figures, Balancing balancing, long calls) {
    CapacityFigures.require(calls >= 1_000, "simulated calls", calls, "≥ 1,000");
    this.figures = figures;
    this.balancing = balancing;
    this.calls = calls;
  }

  /** What becomes of a demand; the same for the same {@code random}. */
  SimulatedLoad run(Demand demand, List<Pool> pools, RandomGenerator random) {
    return new Run(demand, pools, random).all();
  }

  /** A call under way. */
  private static final class Call {
    private final CallKind kind;
    private final long index;
    private final double arrived;
    private final double size;
    private final int[] replicas; // by pool; −1: not chosen yet
    private final Iterator<List<Server>> stages;
    private int visits;

    Call(CallKind kind, long index, double arrived, double size, int pools) {
      this.kind = kind;
      this.index = index;
      this.arrived = arrived;
      this.size = size;
      this.replicas = new int[pools];
      this.stages = kind.stages().iterator();
      Arrays.fill(replicas, -1);
    }
  }

  /** That a replica may end a piece of work; stale if other work came or went since. */
  private record End(double at, int replica, long change) {}

  private final class Run {
    private final Demand demand;
    private final List<Pool> pools;
    private final RandomGenerator random;
    private final Map<Server, Integer> poolOf = new EnumMap<>(Server.class);
    private final int[] firstReplica;
    private final int[] nextReplica;
    private final List<ReplicaQueue<Call>> replicas = new ArrayList<>();
    private final long[] changes;
    private final PriorityQueue<End> ends =
        new PriorityQueue<>(Comparator.comparingDouble(End::at).thenComparingInt(End::replica));
    private final Map<CallKind, List<Histogram>> latencies = new EnumMap<>(CallKind.class);
    private long arrived;
    private double now;
    private boolean stable = true;

    Run(Demand demand, List<Pool> pools, RandomGenerator random) {
      this.demand = demand;
      this.pools = List.copyOf(pools);
      this.random = random;
      this.firstReplica = new int[pools.size()];
      this.nextReplica = new int[pools.size()];
      for (int i = 0; i < pools.size(); i++) {
        Pool pool = pools.get(i);
        firstReplica[i] = replicas.size();
        for (Server server : pool.servers()) {
          poolOf.put(server, i);
        }
        Speeds speeds = speeds(pool);
        for (int replica = 0; replica < pool.replicas(); replica++) {
          replicas.add(new ReplicaQueue<>(speeds));
        }
      }
      this.changes = new long[replicas.size()];
    }

    private Speeds speeds(Pool pool) {
      double alone = work(pool, 1);
      return new Speeds(pool.cores(), inFlight -> alone == 0 ? 1 : work(pool, inFlight) / alone);
    }

    /** Processor seconds a second that the demand asks of a pool while so many share a replica. */
    private double work(Pool pool, int inFlight) {
      double work = 0;
      for (CallKind kind : CallKind.values()) {
        for (Server server : pool.servers()) {
          work += demand.of(kind) * figures.of(kind).cpuSeconds(server, inFlight);
        }
      }
      return work;
    }

    SimulatedLoad all() {
      double nextArrival = gap();
      while (stable && (arrived < calls || !ends.isEmpty())) {
        End end = ends.peek();
        if (end != null && (end.at <= nextArrival || arrived == calls)) {
          ends.poll();
          if (end.change == changes[end.replica]) {
            now = end.at;
            ended(end.replica);
          }
        } else {
          now = nextArrival;
          arrive();
          nextArrival = arrived == calls ? Double.POSITIVE_INFINITY : now + gap();
        }
      }
      return result();
    }

    private double gap() {
      return -Math.log1p(-random.nextDouble()) / demand.total();
    }

    private void arrive() {
      CallKind kind = kind();
      double variation = figures.of(kind).variation();
      Call call = new Call(kind, arrived++, now, size(variation), pools.size());
      goOn(call);
    }

    private CallKind kind() {
      double at = random.nextDouble() * demand.total();
      for (CallKind kind : CallKind.values()) {
        at -= demand.of(kind);
        if (at < 0) {
          return kind;
        }
      }
      return CallKind.SUGGESTION;
    }

    /** How much larger than others a call is: log-normal with mean 1. */
    private double size(double variation) {
      double variance = Math.log1p(variation * variation);
      return Math.exp(Math.sqrt(variance) * random.nextGaussian() - variance / 2);
    }

    /** Sends a call where it goes next; it has no visit under way. */
    private void goOn(Call call) {
      while (call.visits == 0 && call.stages.hasNext()) {
        for (Server server : call.stages.next()) {
          double seconds = figures.of(call.kind).cpuSecondsAlone(server) * call.size;
          Integer pool = poolOf.get(server);
          if (seconds > 0 && pool != null) {
            int replica = replica(call, pool);
            replicas.get(replica).begin(call, now, seconds);
            call.visits++;
            changed(replica);
          }
        }
      }
      if (call.visits == 0) {
        count(call);
      }
    }

    private int replica(Call call, int pool) {
      if (call.replicas[pool] < 0) {
        int count = pools.get(pool).replicas();
        int chosen =
            switch (balancing) {
              case RANDOM -> random.nextInt(count);
              case ROUND_ROBIN -> nextReplica[pool]++ % count;
            };
        call.replicas[pool] = firstReplica[pool] + chosen;
      }
      return call.replicas[pool];
    }

    private void changed(int replica) {
      ReplicaQueue<Call> queue = replicas.get(replica);
      stable &= queue.size() < HOPELESS;
      changes[replica]++;
      if (queue.size() > 0) {
        ends.add(new End(queue.nextEnd(), replica, changes[replica]));
      }
    }

    private void ended(int replica) {
      Call call = replicas.get(replica).end(now);
      changed(replica);
      if (call != null && --call.visits == 0) {
        goOn(call);
      }
    }

    private void count(Call call) {
      double warm = calls * WARM_UP;
      if (call.index < warm) {
        return;
      }
      int part = (int) ((call.index - warm) * PARTS / (calls - warm));
      double seconds = now - call.arrived + figures.of(call.kind).waitMillis() / 1e3;
      latencies
          .computeIfAbsent(
              call.kind, kind -> Stream.generate(() -> new Histogram(3)).limit(PARTS).toList())
          .get(Math.min(PARTS - 1, part))
          .recordValue(Math.round(seconds * 1e6));
    }

    private SimulatedLoad result() {
      Map<CallKind, SimulatedLoad.Times> times = new EnumMap<>(CallKind.class);
      latencies.forEach((kind, parts) -> times.put(kind, times(parts)));
      Map<Pool, Double> utilisation = new HashMap<>();
      for (int i = 0; i < pools.size(); i++) {
        Pool pool = pools.get(i);
        double busy = 0;
        for (int replica = 0; replica < pool.replicas(); replica++) {
          busy += replicas.get(firstReplica[i] + replica).busyCoreSeconds();
        }
        utilisation.put(pool, busy / (now * pool.cores() * pool.replicas()));
      }
      return new SimulatedLoad(times, utilisation, stable);
    }

    private static SimulatedLoad.Times times(List<Histogram> parts) {
      Histogram all = new Histogram(3);
      parts.forEach(all::add);
      double[] tails =
          parts.stream()
              .filter(part -> part.getTotalCount() > 0)
              .mapToDouble(part -> part.getValueAtPercentile(99) / 1e3)
              .toArray();
      double mean = Arrays.stream(tails).average().orElse(Double.NaN);
      double squares = Arrays.stream(tails).map(tail -> (tail - mean) * (tail - mean)).sum();
      double error =
          tails.length < PARTS
              ? Double.POSITIVE_INFINITY
              : T_NINE * Math.sqrt(squares / (PARTS - 1) / PARTS);
      return new SimulatedLoad.Times(
          all.getTotalCount(),
          all.getMean() / 1e3,
          all.getValueAtPercentile(50) / 1e3,
          all.getValueAtPercentile(99) / 1e3,
          error);
    }
  }
}
