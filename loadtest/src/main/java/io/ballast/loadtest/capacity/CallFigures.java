package io.ballast.loadtest.capacity;

import java.util.Comparator;
import java.util.List;
import java.util.Map;

/**
 * What was measured of one kind of call.
 *
 * @param call the kind
 * @param seldomMillis the mean that a call takes that comes seldom: to its processor time, which is
 *     that of calls behind one another, come the network, threads and cores that wake, and waiting
 *     for company in a batch; ≥ 0
 * @param variation standard deviation over mean of the time that such a call takes, 0 to 10
 * @param cpu the processor time of a call by how many are under way at a replica, one at first: it
 *     falls where calls share a batch
 */
public record CallFigures(CallKind call, double seldomMillis, double variation, List<CpuAt> cpu) {
  /**
   * Processor time of a call while so many are under way.
   *
   * @param inFlight at one replica of each server, ≥ 1
   * @param millis by server, each ≥ 0
   */
  public record CpuAt(int inFlight, Map<Server, Double> millis) {
    public CpuAt {
      CapacityFigures.require(inFlight >= 1, "cpu.in_flight", inFlight, "≥ 1");
      millis = Map.copyOf(millis);
      millis.forEach(
          (server, each) ->
              CapacityFigures.require(
                  each >= 0 && Double.isFinite(each), "cpu.millis", each, "≥ 0"));
    }

    /** At one server; 0 if it has no part in the call. */
    public double of(Server server) {
      return millis.getOrDefault(server, 0.0);
    }
  }

  public CallFigures {
    CapacityFigures.require(
        seldomMillis >= 0 && Double.isFinite(seldomMillis), "seldom_millis", seldomMillis, "≥ 0");
    CapacityFigures.require(variation >= 0 && variation <= 10, "variation", variation, "0 to 10");
    cpu = cpu.stream().sorted(Comparator.comparingInt(CpuAt::inFlight)).toList();
    CapacityFigures.require(
        !cpu.isEmpty() && cpu.getFirst().inFlight() == 1, "cpu", cpu.size(), "one in flight first");
  }

  /** What a call takes that comes seldom, and is no processor's time on its way, in seconds. */
  double waitSeconds() {
    return Math.max(0, seldomMillis / 1e3 - criticalSeconds());
  }

  /**
   * Processor time on the way of a call that is alone: of servers that it asks together the
   * longest.
   */
  private double criticalSeconds() {
    return call.stages().stream()
        .mapToDouble(stage -> stage.stream().mapToDouble(this::cpuSecondsAlone).max().orElse(0))
        .sum();
  }

  /** Processor time at a server of a call that is alone, in seconds. */
  double cpuSecondsAlone(Server server) {
    return cpu.getFirst().of(server) / 1e3;
  }

  /**
   * The same while {@code inFlight} calls are under way at its replica: between two measured
   * numbers on the line through them, beyond the last as at the last.
   */
  double cpuSeconds(Server server, double inFlight) {
    CpuAt below = cpu.getFirst();
    for (CpuAt above : cpu) {
      if (inFlight < above.inFlight()) {
        double share =
            (inFlight - below.inFlight()) / Math.max(1, above.inFlight() - below.inFlight());
        return ((1 - share) * below.of(server) + share * above.of(server)) / 1e3;
      }
      below = above;
    }
    return below.of(server) / 1e3;
  }
}
