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
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;

/**
 * A discrete-event simulation of calls that visit pools of replicas. Each visit takes the processor
 * time that was measured, spread as it was, and shares the cores of its replica with all other work
 * there; what calls save by sharing batches is what was measured of as many at a time.
 *
 * <p>Of many replicas some are simulated, with a share of all calls, so that each has calls enough
 * for its queue to forget that it began empty. A replica is sent its part of all calls by chance,
 * so that some of them see what all would see. Where a pool has more work than these calls bring,
 * as the one database of a thousand replicas has, the rest comes as a Poisson process of its own:
 * that is what leaves many queues that share their cores among what Poisson processes bring.
 *
 * <p>Source: Kelly 1979, Reversibility and Stochastic Networks, §3.3.
 *
 * <p>A core is shared by turns of some milliseconds. A visit goes from thread to thread, and a
 * thread that wakes while all cores are busy waits for the rest of a turn of one of them; it is the
 * next there, having slept. To a call of much work that is little, to one of little work most of
 * what it takes. It is added to what a call takes, of visits at the same time the longest, and
 * holds up nobody. Whether all cores are busy is asked once, when a visit begins.
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

  /** As many replicas are simulated at the least: as turns of so many are even enough. */
  private static final int FEWEST_REPLICAS = 10;

  /**
   * More of them are, as long as each has so many calls of the rarest kind: at 90 % load a queue
   * needs some four hundred to forget how it began, which is what the warm-up is of these.
   */
  private static final double CALLS_OF_A_REPLICA = 2_000;

  /** How long a thread keeps a core that others wait for, in milliseconds: Linux has 1 to 4. */
  static final double TURN_MILLIS = 3;

  /**
   * Threads that a visit goes through: what reads from the network, what works, what writes. Taken
   * for all servers, as it brings events' tails to what one machine showed.
   */
  static final int THREADS_OF_A_VISIT = 3;

  /** What sums of shares are off by. */
  private static final double ROUNDING = 1e-9;

  private final CapacityFigures figures;
  private final Balancing balancing;
  private final long calls;
  private final long warmUp;
  private final double turnSeconds;

  /**
   * @param calls that are simulated and timed, warm-up included, ≥ 1,000
   * @param turnMillis how long a thread keeps a core that others wait for; 0: cores are shared at
   *     every instant, as in the books
   */
  Simulation(CapacityFigures figures, Balancing balancing, long calls, double turnMillis) {
    CapacityFigures.require(calls >= 1_000, "simulated calls", calls, "≥ 1,000");
    this.figures = figures;
    this.balancing = balancing;
    this.calls = calls;
    this.warmUp = Math.round(calls * WARM_UP);
    this.turnSeconds = turnMillis / 1e3;
  }

  /** What becomes of a demand; the same for the same {@code random}. */
  SimulatedLoad run(Demand demand, List<Pool> pools, RandomGenerator random) {
    Map<Pool, Double> offered = new HashMap<>();
    pools.forEach(pool -> offered.put(pool, offered(demand, pool)));
    if (offered.values().stream().anyMatch(load -> load >= 1)) {
      offered.replaceAll((pool, load) -> Math.min(1, load));
      return new SimulatedLoad(Map.of(), offered, false); // its queue would grow for ever
    }
    return new Run(demand, pools, random).all();
  }

  /** The share of its cores' time that a pool is asked for while its queues are long. */
  private double offered(Demand demand, Pool pool) {
    return work(demand, pool, Integer.MAX_VALUE) / pool.cores() / pool.replicas();
  }

  /**
   * Processor seconds a second that a demand asks of a pool while so many share a replica. What a
   * call saves by company it saves by calls of its own kind, of which there are as many among the
   * others as their share of the work.
   */
  private double work(Demand demand, Pool pool, int inFlight) {
    double alone = 0;
    for (CallKind kind : CallKind.values()) {
      alone += work(demand, pool, kind, 1);
    }
    double work = 0;
    for (CallKind kind : CallKind.values()) {
      double share = alone == 0 ? 0 : work(demand, pool, kind, 1) / alone;
      work += work(demand, pool, kind, 1 + share * (inFlight - 1));
    }
    return work;
  }

  private double work(Demand demand, Pool pool, CallKind kind, double inFlight) {
    double work = 0;
    for (Server server : pool.servers()) {
      work += demand.of(kind) * figures.of(kind).cpuSeconds(server, inFlight);
    }
    return work;
  }

  /** The share of all calls that is simulated from their beginning to their end, above 0 to 1. */
  private double share(Demand demand, List<Pool> pools) {
    double rarest =
        Arrays.stream(CallKind.values())
            .mapToDouble(demand::of)
            .filter(rate -> rate > 0)
            .min()
            .orElseThrow();
    double fit = Math.floor(calls * (rarest / demand.total()) / CALLS_OF_A_REPLICA);
    int most = pools.stream().mapToInt(Pool::replicas).max().orElse(1);
    return Math.min(1, Math.max(FEWEST_REPLICAS, fit) / most);
  }

  /** A call under way. */
  private static final class Call {
    private static final long NOT_TIMED = -1;

    private final CallKind kind;
    private final long index;
    private final double arrived;
    private final double size;
    private final int[] replicas; // by pool; −1: not chosen yet
    private final Iterator<List<Server>> stages;
    private int visits;
    private double turns; // seconds

    /**
     * @param index of those that are timed, from 0; {@link #NOT_TIMED} of others
     */
    Call(
        CallKind kind,
        List<List<Server>> stages,
        long index,
        double arrived,
        double size,
        int pools) {
      this.kind = kind;
      this.index = index;
      this.arrived = arrived;
      this.size = size;
      this.replicas = new int[pools];
      this.stages = stages.iterator();
      Arrays.fill(replicas, -1);
    }
  }

  /** What a call asks of a replica. */
  private record Visit(int replica, double seconds) {}

  /** That a replica may end a piece of work; stale if other work came or went since. */
  private record End(double at, int replica, long change) {}

  /** Calls of a kind that the simulated replicas of a pool get from all that is not simulated. */
  private record Rest(CallKind kind, List<List<Server>> stages, double rate) {
    Rest {
      stages = List.copyOf(stages);
    }
  }

  private final class Run {
    private final Demand demand;
    private final List<Pool> pools;
    private final double share;
    private final RandomGenerator random;
    private final RandomGenerator chanceOfRest;
    private final RandomGenerator chanceOfTurns;
    private final Map<CallKind, Double> waits = new EnumMap<>(CallKind.class); // seconds
    private final List<Rest> rests = new ArrayList<>();
    private final double restRate;
    private final Map<Server, Integer> poolOf = new EnumMap<>(Server.class);
    private final int[] counts; // simulated replicas by pool
    private final int[] firstReplica;
    private final int[] nextReplica;
    private final List<ReplicaQueue<Call>> replicas = new ArrayList<>();
    private final long[] changes;
    private final PriorityQueue<End> ends =
        new PriorityQueue<>(Comparator.comparingDouble(End::at).thenComparingInt(End::replica));
    private final Map<CallKind, List<Histogram>> latencies = new EnumMap<>(CallKind.class);
    private final double[] busyBefore;
    private final double[] busy;
    private long arrived;
    private double now;
    private double measuredFrom;
    private double measured;

    Run(Demand demand, List<Pool> pools, RandomGenerator random) {
      this.demand = demand;
      this.pools = List.copyOf(pools);
      this.share = share(demand, pools);
      this.random = random;
      this.counts = new int[pools.size()];
      this.firstReplica = new int[pools.size()];
      this.nextReplica = new int[pools.size()];
      this.busyBefore = new double[pools.size()];
      this.busy = new double[pools.size()];
      for (int i = 0; i < pools.size(); i++) {
        Pool pool = pools.get(i);
        firstReplica[i] = replicas.size();
        counts[i] = (int) Math.ceil(share * pool.replicas() - ROUNDING);
        for (Server server : pool.servers()) {
          poolOf.put(server, i);
        }
        Speeds speeds = speeds(pool);
        for (int replica = 0; replica < counts[i]; replica++) {
          replicas.add(new ReplicaQueue<>(speeds));
        }
        addRest(pool, (double) counts[i] / pool.replicas() - share);
      }
      this.changes = new long[replicas.size()];
      this.restRate = rests.stream().mapToDouble(Rest::rate).sum();
      this.chanceOfRest = rests.isEmpty() ? random : another(random);
      this.chanceOfTurns = another(random);
      for (CallKind kind : CallKind.values()) {
        waits.put(kind, figures.of(kind).waitSeconds());
      }
    }

    private static RandomGenerator another(RandomGenerator random) {
      return RandomGeneratorFactory.of("L64X128MixRandom").create(random.nextLong());
    }

    /** What a pool gets beyond the simulated calls, if they are not all that its replicas get. */
    private void addRest(Pool pool, double part) {
      for (CallKind kind : CallKind.values()) {
        List<List<Server>> stages =
            kind.stages().stream()
                .map(
                    stage ->
                        stage.stream()
                            .filter(pool.servers()::contains)
                            .filter(server -> figures.of(kind).cpuSecondsAlone(server) > 0)
                            .toList())
                .filter(stage -> !stage.isEmpty())
                .toList();
        if (part > ROUNDING && demand.of(kind) > 0 && !stages.isEmpty()) {
          rests.add(new Rest(kind, stages, part * demand.of(kind)));
        }
      }
    }

    private Speeds speeds(Pool pool) {
      double alone = work(demand, pool, 1);
      return new Speeds(
          pool.cores(), inFlight -> alone == 0 ? 1 : work(demand, pool, inFlight) / alone);
    }

    SimulatedLoad all() {
      double nextArrival = gap(random, share * demand.total());
      double nextOfRest = restRate == 0 ? Double.POSITIVE_INFINITY : gap(chanceOfRest, restRate);
      while (arrived < calls || !ends.isEmpty()) {
        End end = ends.peek();
        if (end != null && end.at <= nextArrival && end.at <= nextOfRest) {
          ends.poll();
          if (end.change == changes[end.replica]) {
            now = end.at;
            ended(end.replica);
          }
        } else if (nextOfRest < nextArrival) {
          now = nextOfRest;
          arriveOfRest();
          nextOfRest = now + gap(chanceOfRest, restRate);
        } else {
          now = nextArrival;
          arrive();
          nextArrival = now + gap(random, share * demand.total());
          if (arrived == calls) { // what is under way ends, and nothing more comes
            nextArrival = Double.POSITIVE_INFINITY;
            nextOfRest = Double.POSITIVE_INFINITY;
          }
        }
      }
      return result();
    }

    private static double gap(RandomGenerator chance, double rate) {
      return -Math.log1p(-chance.nextDouble()) / rate;
    }

    private void arrive() {
      if (arrived == warmUp) {
        measuredFrom = now;
        readBusy(busyBefore);
      }
      CallKind kind = kind();
      double size = size(figures.of(kind).variation(), random);
      goOn(new Call(kind, kind.stages(), arrived++, now, size, pools.size()));
      if (arrived == calls) {
        measured = now - measuredFrom;
        readBusy(busy);
      }
    }

    private void arriveOfRest() {
      double at = chanceOfRest.nextDouble() * restRate;
      int which = 0;
      while (which < rests.size() - 1 && at >= rests.get(which).rate()) {
        at -= rests.get(which).rate();
        which++;
      }
      Rest rest = rests.get(which);
      double size = size(figures.of(rest.kind()).variation(), chanceOfRest);
      goOn(new Call(rest.kind(), rest.stages(), Call.NOT_TIMED, now, size, pools.size()));
    }

    /** How many core seconds each pool's simulated replicas have worked until now. */
    private void readBusy(double[] seconds) {
      for (int i = 0; i < pools.size(); i++) {
        seconds[i] = 0;
        for (int replica = 0; replica < counts[i]; replica++) {
          seconds[i] += replicas.get(firstReplica[i] + replica).busyCoreSeconds(now);
        }
      }
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
    private static double size(double variation, RandomGenerator chance) {
      double variance = Math.log1p(variation * variation);
      return Math.exp(Math.sqrt(variance) * chance.nextGaussian() - variance / 2);
    }

    /** Sends a call where it goes next; it has no visit under way. */
    private void goOn(Call call) {
      while (call.visits == 0 && call.stages.hasNext()) {
        begin(call, call.stages.next());
      }
      if (call.visits == 0) {
        count(call);
      }
    }

    /** Begins a call's visits of these servers, at the same time. */
    private void begin(Call call, List<Server> stage) {
      List<Visit> visits = new ArrayList<>();
      double turns = 0;
      for (Server server : stage) {
        double seconds = figures.of(call.kind).cpuSecondsAlone(server) * call.size;
        Integer pool = poolOf.get(server);
        if (seconds > 0 && pool != null) {
          int replica = replica(call, pool);
          visits.add(new Visit(replica, seconds));
          turns = Math.max(turns, turns(replicas.get(replica).size(), pools.get(pool).cores()));
        }
      }
      call.turns += turns;
      for (Visit visit : visits) {
        replicas.get(visit.replica).begin(call, now, visit.seconds);
        call.visits++;
        changed(visit.replica);
      }
    }

    /** How long a visit's threads wait for cores, in seconds, where so much work is under way. */
    private double turns(int underWay, double cores) {
      if (turnSeconds == 0 || underWay < cores) {
        return 0;
      }
      double turns = 0;
      for (int i = 0; i < THREADS_OF_A_VISIT; i++) {
        turns += chanceOfTurns.nextDouble();
      }
      return turns * turnSeconds;
    }

    private int replica(Call call, int pool) {
      if (call.replicas[pool] < 0) {
        int count = counts[pool];
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
      if (call.index < warmUp) {
        return;
      }
      int part = (int) ((call.index - warmUp) * PARTS / (calls - warmUp));
      double wait = waits.getOrDefault(call.kind, 0.0) * call.size;
      double seconds = now - call.arrived + call.turns + wait;
      latencies
          .computeIfAbsent(
              call.kind, kind -> Stream.generate(() -> new Histogram(3)).limit(PARTS).toList())
          .get(part)
          .recordValue(Math.round(seconds * 1e6));
    }

    private SimulatedLoad result() {
      Map<CallKind, SimulatedLoad.Times> times = new EnumMap<>(CallKind.class);
      latencies.forEach((kind, parts) -> times.put(kind, times(parts)));
      Map<Pool, Double> utilisation = new HashMap<>();
      for (int i = 0; i < pools.size(); i++) {
        Pool pool = pools.get(i);
        double worked = busy[i] - busyBefore[i];
        utilisation.put(pool, worked / (measured * pool.cores() * counts[i]));
      }
      return new SimulatedLoad(times, utilisation, true);
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
