package io.ballast.loadtest.capacity;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.random.RandomGeneratorFactory;

/**
 * What the simulation says of one machine that plays every server, the database and the callers, as
 * the one does on which the figures were measured: it can be held against what a load of that
 * machine shows.
 */
public final class OneMachine {
  private final CapacityFigures figures;
  private final double cores;

  /**
   * How long calls of a kind take, in milliseconds.
   *
   * @param p50 of them
   * @param p99 of them
   */
  public record Times(double p50, double p99) {}

  /**
   * What becomes of a load.
   *
   * @param busy the share of the cores' time that it takes, 0 to 1
   * @param times by kind
   */
  public record Bearing(double busy, Map<CallKind, Times> times) {
    public Bearing {
      times = Map.copyOf(times);
    }
  }

  /**
   * @param figures that were measured
   * @param cores of the machine, ≥ 0.1
   */
  public OneMachine(CapacityFigures figures, double cores) {
    this.figures = figures;
    this.cores = cores;
  }

  /**
   * The multiple of a mix that would keep all cores busy if no call met another: the more there
   * are, the less each costs, so that the cores are less busy than that.
   *
   * @param mix calls a second of each kind
   */
  public double most(Map<CallKind, Double> mix) {
    double seconds = 0;
    for (Map.Entry<CallKind, Double> each : mix.entrySet()) {
      for (Server server : Server.values()) {
        seconds += each.getValue() * figures.of(each.getKey()).cpuSecondsAlone(server);
      }
    }
    return cores / seconds;
  }

  /**
   * Simulates a load; empty if the machine does not keep up with it.
   *
   * @param rates calls a second of each kind
   * @param calls that are simulated, ≥ 1,000
   */
  public Optional<Bearing> simulate(Map<CallKind, Double> rates, long calls, long seed) {
    List<Pool> pools = Pool.oneMachine(cores);
    SimulatedLoad load =
        new Simulation(figures, Balancing.RANDOM, calls, Simulation.TURN_MILLIS)
            .run(
                new Demand(rates),
                pools,
                RandomGeneratorFactory.of("L64X128MixRandom").create(seed));
    if (!load.stable()) {
      return Optional.empty();
    }
    Map<CallKind, Times> times = new EnumMap<>(CallKind.class);
    for (CallKind kind : List.copyOf(rates.keySet())) {
      times.put(kind, new Times(load.of(kind).p50(), load.of(kind).p99()));
    }
    return Optional.of(
        new Bearing(load.utilisation().getOrDefault(pools.getFirst(), Double.NaN), times));
  }
}
