package io.ballast.loadtest.capacity;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Replicas that are alike.
 *
 * @param servers that each of them plays
 * @param cores of each, ≥ 0.1
 * @param replicas ≥ 1
 */
record Pool(Set<Server> servers, double cores, int replicas) {
  Pool {
    servers = EnumSet.copyOf(servers);
    CapacityFigures.require(cores >= 0.1 && cores <= 1_024, "cores", cores, "0.1 to 1,024");
    CapacityFigures.require(
        replicas >= 1 && replicas <= MOST_REPLICAS, "replicas", replicas, "1 to 100,000");
  }

  /** More than anybody runs. */
  static final int MOST_REPLICAS = 100_000;

  /** Every server a pool of its own, and one database. */
  static List<Pool> apart(double cores, double databaseCores) {
    return Arrays.stream(Server.values())
        .filter(server -> server != Server.CALLER)
        .map(
            server ->
                new Pool(Set.of(server), server == Server.DATABASE ? databaseCores : cores, 1))
        .toList();
  }

  /** Replicas that play all servers, and one database. */
  static List<Pool> together(double cores, double databaseCores) {
    return List.of(
        new Pool(EnumSet.complementOf(EnumSet.of(Server.CALLER, Server.DATABASE)), cores, 1),
        new Pool(Set.of(Server.DATABASE), databaseCores, 1));
  }

  /** One machine that plays everything and asks itself, as a laptop does. */
  static List<Pool> oneMachine(double cores) {
    return List.of(new Pool(EnumSet.allOf(Server.class), cores, 1));
  }

  Pool of(int count) {
    return new Pool(servers, cores, count);
  }

  /** Whether there may be more than one of it. */
  boolean grows() {
    return !servers.contains(Server.DATABASE);
  }

  /** As people write it. */
  String label() {
    return servers.stream().map(Server::label).collect(Collectors.joining(" + "));
  }
}
