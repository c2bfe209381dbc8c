package io.ballast.loadtest.capacity;

import java.util.EnumMap;
import java.util.Map;

/**
 * How often what is asked for.
 *
 * @param perSecond calls of each kind, ≥ 0, as a Poisson process
 */
record Demand(Map<CallKind, Double> perSecond) {
  /** The highest rate of a kind of call. */
  static final double MOST = 1e7;

  Demand {
    Map<CallKind, Double> rates = new EnumMap<>(CallKind.class);
    for (CallKind call : CallKind.values()) {
      double rate = perSecond.getOrDefault(call, 0.0);
      CapacityFigures.require(
          rate >= 0 && rate <= MOST, call.label() + "s a second", rate, "0 to 10,000,000");
      rates.put(call, rate);
    }
    perSecond = Map.copyOf(rates);
    CapacityFigures.require(total(perSecond) > 0, "demand", 0, "> 0 of one kind of call");
  }

  /** Calls a second of a kind. */
  double of(CallKind call) {
    return perSecond.getOrDefault(call, 0.0);
  }

  /** Calls a second of all kinds. */
  double total() {
    return total(perSecond);
  }

  /** Calls a second of the most frequent kind. */
  double largest() {
    return perSecond.values().stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }

  /** The same mix at {@code factor} times the rate. */
  Demand times(double factor) {
    Map<CallKind, Double> scaled = new EnumMap<>(CallKind.class);
    perSecond.forEach((call, rate) -> scaled.put(call, rate * factor));
    return new Demand(scaled);
  }

  private static double total(Map<CallKind, Double> rates) {
    return rates.values().stream().mapToDouble(Double::doubleValue).sum();
  }
}
