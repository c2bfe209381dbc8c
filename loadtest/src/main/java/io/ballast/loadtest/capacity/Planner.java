package io.ballast.loadtest.capacity;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/** Finds the fewest replicas with which a demand is met, and the most that given replicas bear. */
final class Planner {
  /** The share of its cores' time that no pool may exceed, whatever its queues. */
  static final double MOST_BUSY = 0.9;

  /** Cores that calls keep busy together of which next to none meets another. */
  private static final double ALONE = 1e-3;

  /** Pools that are busy for less than this have no queues to speak of. */
  private static final double IDLE = 0.05;

  /** Of the highest rate that cores could do; what is lower is none. */
  private static final double NEXT_TO_NONE = 1e-4;

  /** Rates are found to within this share. */
  private static final double PRECISION = 0.02;

  private final CapacityFigures figures;
  private final Simulation simulation;
  private final Objective objective;
  private final long seed;

  Planner(CapacityFigures figures, Simulation simulation, Objective objective, long seed) {
    this.figures = figures;
    this.simulation = simulation;
    this.objective = objective;
    this.seed = seed;
  }

  /**
   * Pools, and what was simulated of them.
   *
   * @param pools with their replicas, as many as are needed and none to spare
   */
  record Plan(List<Pool> pools, SimulatedLoad load) {
    Plan {
      pools = List.copyOf(pools);
    }
  }

  /**
   * How much some replicas bear.
   *
   * @param demand the most at which the objective holds
   */
  record Bearing(Demand demand, SimulatedLoad load) {}

  /**
   * The fewest replicas of each pool.
   *
   * @param pools their sizes do not count
   * @throws IllegalArgumentException if no number of replicas is enough: a call that is alone takes
   *     longer than it may, or the database is not fast enough
   */
  Plan plan(Demand demand, List<Pool> pools) {
    List<Pool> sized = new ArrayList<>(pools.stream().map(pool -> least(pool, demand)).toList());
    requirePossible(demand, sized);
    SimulatedLoad load = simulate(demand, sized);
    while (!holds(load)) {
      grow(sized, load);
      load = simulate(demand, sized);
    }
    for (int i = 0; i < sized.size(); i++) {
      shrink(demand, sized, i);
    }
    return new Plan(sized, simulate(demand, sized));
  }

  /** As many replicas as are busy all the time at the most. */
  private Pool least(Pool pool, Demand demand) {
    double cores = cores(pool, demand, Integer.MAX_VALUE);
    int replicas = (int) Math.max(1, Math.ceil(cores / pool.cores() / MOST_BUSY));
    if (!pool.grows() && replicas > 1) {
      throw new IllegalArgumentException(
          ("%s: %.1f cores of work a second for %.1f cores (allowed: %.0f %% of them); give it more"
                  + " cores, or split tenants over databases")
              .formatted(pool.label(), cores, pool.cores(), 100 * MOST_BUSY));
    }
    return pool.of(replicas);
  }

  /** Cores that a demand keeps busy in a pool while so many calls share each replica. */
  private double cores(Pool pool, Demand demand, int inFlight) {
    double cores = 0;
    for (CallKind call : CallKind.values()) {
      for (Server server : pool.servers()) {
        cores += demand.of(call) * figures.of(call).cpuSeconds(server, inFlight);
      }
    }
    return cores;
  }

  private void requirePossible(Demand demand, List<Pool> pools) {
    for (CallKind call : objective.p99().keySet()) {
      if (demand.of(call) == 0) {
        continue;
      }
      Demand only = new Demand(Map.of(call, demand.of(call)));
      double cores = pools.stream().mapToDouble(pool -> cores(pool, only, 1)).sum();
      Demand alone = cores == 0 ? only : only.times(ALONE / cores);
      Optional<Objective.Miss> missed = objective.missed(simulate(alone, pools));
      if (missed.isPresent()) {
        throw new IllegalArgumentException(
            ("p99 of %ss that are alone is %.0f ms, over %.0f ms: no number of replicas helps;"
                    + " allow more, or let it do less")
                .formatted(missed.get().call().label(), missed.get().p99(), missed.get().limit()));
      }
    }
  }

  private boolean holds(SimulatedLoad load) {
    return load.stable()
        && objective.missed(load).isEmpty()
        && load.utilisation().values().stream().allMatch(busy -> busy <= MOST_BUSY);
  }

  /**
   * Adds a twentieth, at least one, to the busiest of those that can grow.
   *
   * @throws IllegalArgumentException if that would not help: they are idle, or the database is not
   */
  private static void grow(List<Pool> pools, SimulatedLoad load) {
    Optional<Pool> grows =
        pools.stream()
            .filter(Pool::grows)
            .max(Comparator.comparingDouble(pool -> busy(load, pool)));
    boolean full = pools.stream().anyMatch(pool -> !pool.grows() && busy(load, pool) > MOST_BUSY);
    if (full || grows.isEmpty() || busy(load, grows.get()) < IDLE) {
      throw new IllegalArgumentException(
          "the database is too slow for this: give it more cores, or split tenants over databases");
    }
    Pool busiest = grows.get();
    int more = Math.max(1, busiest.replicas() / 20);
    if (busiest.replicas() + more > Pool.MOST_REPLICAS) {
      throw new IllegalArgumentException(
          "more than %,d replicas of %s would be needed"
              .formatted(Pool.MOST_REPLICAS, busiest.label()));
    }
    pools.set(pools.indexOf(busiest), busiest.of(busiest.replicas() + more));
  }

  private static double busy(SimulatedLoad load, Pool pool) {
    return load.utilisation().getOrDefault(pool, 0.0);
  }

  /** Takes away what is not needed: the last step of growing may have been long. */
  private void shrink(Demand demand, List<Pool> pools, int index) {
    Pool enough = pools.get(index);
    int tooFew = Math.max(0, enough.replicas() - 1 - enough.replicas() / 20);
    while (enough.replicas() - tooFew > 1) {
      Pool tried = enough.of((enough.replicas() + tooFew) / 2);
      pools.set(index, tried);
      if (holds(simulate(demand, pools))) {
        enough = tried;
      } else {
        tooFew = tried.replicas();
      }
    }
    pools.set(index, enough);
  }

  /**
   * The highest multiple of a mix that pools bear, to within 2 %; empty if they bear none of it, or
   * next to none.
   */
  Optional<Bearing> bears(Demand mix, List<Pool> pools) {
    double most = Demand.MOST / mix.largest();
    for (Pool pool : pools) {
      double cores = cores(pool, mix, Integer.MAX_VALUE);
      most = cores == 0 ? most : Math.min(most, pool.cores() * pool.replicas() / cores);
    }
    double holds = 0;
    double fails = most;
    Optional<Bearing> best = Optional.empty();
    while (fails - holds > PRECISION * holds && fails > NEXT_TO_NONE * most) {
      double tried = (holds + fails) / 2;
      SimulatedLoad load = simulate(mix.times(tried), pools);
      if (holds(load)) {
        holds = tried;
        best = Optional.of(new Bearing(mix.times(tried), load));
      } else {
        fails = tried;
      }
    }
    return best;
  }

  /**
   * The same chance for every attempt, so that two of them differ by their replicas alone.
   *
   * @throws IllegalArgumentException if calls with an objective are too rare to be judged
   */
  private SimulatedLoad simulate(Demand demand, List<Pool> pools) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(seed);
    SimulatedLoad load = simulation.run(demand, pools, random);
    Optional<Objective.Unseen> unseen =
        load.stable() ? objective.unseen(demand, load) : Optional.empty();
    if (unseen.isPresent()) {
      throw new IllegalArgumentException(
          ("%ss are too rare in this mix for their p99 to be known: %,d were simulated, and %,d are"
                  + " needed; simulate %,.0f times as many calls (--calls), or leave their p99 out")
              .formatted(
                  unseen.get().call().label(),
                  unseen.get().seen(),
                  Objective.FEWEST,
                  Math.ceil(unseen.get().times())));
    }
    return load;
  }
}
