package io.ballast.loadtest.capacity;

import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** Says what a simulation found, for people. */
final class CapacityText {
  private static final double GIBI = 1_024;
  private static final double SECONDS_OF_DAY = 86_400;

  /** For people who look, for backups, and for what PostgreSQL keeps for its administrators. */
  private static final int SPARE_CONNECTIONS = 10;

  private final CapacityFigures figures;
  private final PrintWriter out;

  CapacityText(CapacityFigures figures, PrintWriter out) {
    this.figures = figures;
    this.out = out;
  }

  /**
   * How many versions are loaded at a time, the one that serves among them.
   *
   * @param policy 1 to 1,000
   * @param reward 1 to 1,000
   */
  record Versions(int policy, int reward) {
    Versions {
      CapacityFigures.require(policy >= 1 && policy <= 1_000, "versions", policy, "1 to 1,000");
      CapacityFigures.require(
          reward >= 1 && reward <= 1_000, "reward versions", reward, "1 to 1,000");
    }
  }

  /**
   * Says what is needed.
   *
   * @param spare replicas of each pool more than are needed
   * @param versions that each replica has in memory
   * @param eventsOfDay feedback events
   */
  void plan(Demand demand, Planner.Plan plan, int spare, Versions versions, double eventsOfDay) {
    asked(demand);
    line("");
    line("  %-46s %9s %8s %7s %12s", "needed", "replicas", "cores", "busy", "memory GiB");
    double memory = 0;
    int connections = figures.footprint().orchestratorConnections();
    for (Pool pool : plan.pools()) {
      double busy = plan.load().utilisation().getOrDefault(pool, 0.0);
      if (busy == 0) {
        continue; // nothing of this demand goes there
      }
      int replicas = pool.replicas() + (pool.grows() ? spare : 0);
      double gibibytes = replicas * mebibytes(pool, versions) / GIBI;
      memory += gibibytes;
      connections += replicas * connections(pool);
      line(
          "  %-46s %9s %8.0f %6.0f%% %12.1f",
          pool.label(),
          pool.grows() && spare > 0 ? pool.replicas() + " + " + spare : replicas,
          replicas * pool.cores(),
          100 * busy,
          gibibytes);
    }
    line("");
    latencies(plan.load());
    line(
        "  memory in all     %,.1f GiB, loaded versions each: %d of the policy, %d of the reward",
        memory, versions.policy(), versions.reward());
    line(
        "  PostgreSQL        max_connections of %,d or more, with an orchestrator and %d spare",
        connections + SPARE_CONNECTIONS, SPARE_CONNECTIONS);
    double bytes =
        eventsOfDay * figures.footprint().eventBytes()
            + demand.of(CallKind.SUGGESTION)
                * SECONDS_OF_DAY
                * figures.footprint().suggestionBytes();
    line(
        "  its disk          at most %,.2f GiB a day, if the peak lasted all day",
        bytes / GIBI / GIBI / GIBI);
    line("");
    line("  figures of %s, commit %s", figures.machine(), figures.commit());
  }

  /** Heads a table of what replicas bear. */
  void bearingsOf(Demand mix) {
    asked(mix);
    line("");
    line(
        "  %8s %14s %14s %14s %26s %s",
        "replicas", "suggestions/s", "scores/s", "events/s", "p99 ms", "busiest");
  }

  /** A row of it. */
  void bearing(int replicas, List<Pool> pools, Optional<Planner.Bearing> bearing) {
    if (bearing.isEmpty()) {
      line("  %,8d   bear none of it", replicas);
      return;
    }
    Demand demand = bearing.get().demand();
    SimulatedLoad load = bearing.get().load();
    Pool busiest =
        pools.stream().max((a, b) -> Double.compare(busy(load, a), busy(load, b))).orElseThrow();
    StringBuilder tails = new StringBuilder();
    for (CallKind call : CallKind.values()) {
      if (load.calls().containsKey(call)) {
        tails.append(tails.isEmpty() ? "" : ", ");
        tails.append(
            String.format(
                Locale.ROOT, "%.0f ± %.0f", load.of(call).p99(), load.of(call).p99Error()));
      }
    }
    line(
        "  %,8d %,14.1f %,14.1f %,14.1f %26s %s %.0f%%",
        replicas,
        demand.of(CallKind.SUGGESTION),
        demand.of(CallKind.SCORE),
        demand.of(CallKind.EVENT),
        tails,
        busiest.label(),
        100 * busy(load, busiest));
    out.flush(); // the next one may take a while
  }

  private static double busy(SimulatedLoad load, Pool pool) {
    return load.utilisation().getOrDefault(pool, 0.0);
  }

  private void asked(Demand demand) {
    line(
        "asked: %,.1f suggestions/s, %,.1f scores/s, %,.1f events/s at the peak",
        demand.of(CallKind.SUGGESTION), demand.of(CallKind.SCORE), demand.of(CallKind.EVENT));
  }

  private void latencies(SimulatedLoad load) {
    for (CallKind call : CallKind.values()) {
      if (load.calls().containsKey(call)) {
        SimulatedLoad.Times times = load.of(call);
        line(
            "  %-17s p50 %,.1f ms, p99 %,.1f ± %.1f ms",
            call.label(), times.p50(), times.p99(), times.p99Error());
      }
    }
  }

  private double mebibytes(Pool pool, Versions versions) {
    double resident =
        pool.servers().stream()
            .mapToDouble(
                server -> figures.footprint().residentMebibytes().getOrDefault(server, 0.0))
            .sum();
    double policies =
        pool.servers().contains(Server.POLICY_SERVER)
            ? (versions.policy() - 1) * figures.footprint().versionMebibytes()
            : 0;
    double rewards =
        pool.servers().contains(Server.REWARD_SERVER)
            ? (versions.reward() - 1) * figures.footprint().rewardVersionMebibytes()
            : 0;
    return resident + policies + rewards;
  }

  private int connections(Pool pool) {
    return pool.servers().stream()
        .mapToInt(server -> figures.footprint().databaseConnections().getOrDefault(server, 0))
        .sum();
  }

  private void line(String format, Object... values) {
    out.println(String.format(Locale.ROOT, format, values).stripTrailing());
  }
}
