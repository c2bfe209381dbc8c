package io.ballast.loadtest.capacity;

import java.util.Map;

/**
 * What a simulation saw.
 *
 * @param calls how long each kind of call took; a kind that was not asked for is absent
 * @param utilisation the share of its cores' time that each pool worked between the warm-up and the
 *     last arrival, 0 to 1
 * @param stable whether no pool is asked for as much as all its cores' time, or more: if one is,
 *     queues grow for ever, and no call has a time
 */
record SimulatedLoad(Map<CallKind, Times> calls, Map<Pool, Double> utilisation, boolean stable) {
  SimulatedLoad {
    calls = Map.copyOf(calls);
    utilisation = Map.copyOf(utilisation);
  }

  /**
   * How long calls of a kind took.
   *
   * @throws IllegalArgumentException if none was asked for
   */
  Times of(CallKind call) {
    Times times = calls.get(call);
    if (times == null) {
      throw new IllegalArgumentException("no " + call.label() + " was simulated");
    }
    return times;
  }

  /**
   * Latencies in milliseconds.
   *
   * @param p99Error half the 95 % interval of p99, over tenths of the load
   */
  record Times(long count, double mean, double p50, double p99, double p99Error) {}
}
