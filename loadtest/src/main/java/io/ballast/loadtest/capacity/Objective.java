package io.ballast.loadtest.capacity;

import java.time.Duration;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;

/**
 * What calls may take.
 *
 * @param p99 by kind; a kind that is absent may take any time
 */
record Objective(Map<CallKind, Duration> p99) {
  /** The p99 of fewer calls is that of a handful. */
  static final long FEWEST = 500;

  Objective {
    p99.forEach(
        (call, limit) ->
            CapacityFigures.require(limit.isPositive(), call.label() + " p99", limit, "> 0"));
    p99 = p99.isEmpty() ? Map.of() : Map.copyOf(new EnumMap<>(p99));
  }

  /** That calls of a kind take longer than they may, in milliseconds. */
  record Miss(CallKind call, double p99, double limit) {}

  /**
   * That too few calls of a kind were seen for its p99 to be known.
   *
   * @param times so many times more calls would be enough
   */
  record Unseen(CallKind call, long seen, double times) {}

  /**
   * The first kind of call that may not take any time and was seen too seldom, if there is one.
   *
   * @param load of which no queue grows for ever
   */
  Optional<Unseen> unseen(Demand demand, SimulatedLoad load) {
    for (CallKind call : CallKind.values()) {
      if (p99.containsKey(call) && demand.of(call) > 0) {
        SimulatedLoad.Times times = load.calls().get(call);
        long seen = times == null ? 0 : times.count();
        if (seen < FEWEST) {
          return Optional.of(new Unseen(call, seen, (double) FEWEST / Math.max(1, seen)));
        }
      }
    }
    return Optional.empty();
  }

  /** The first kind of call that takes longer, if one does. */
  Optional<Miss> missed(SimulatedLoad load) {
    for (CallKind call : CallKind.values()) {
      SimulatedLoad.Times times = load.calls().get(call);
      Duration limit = p99.get(call);
      if (times != null && limit != null && times.p99() > millis(limit)) {
        return Optional.of(new Miss(call, times.p99(), millis(limit)));
      }
    }
    return Optional.empty();
  }

  private static double millis(Duration duration) {
    return duration.toNanos() / 1e6;
  }
}
