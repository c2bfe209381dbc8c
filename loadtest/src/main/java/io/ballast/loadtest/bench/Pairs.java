package io.ballast.loadtest.bench;

import io.ballast.loadtest.bench.Figure.Comparison;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Function;
import java.util.function.Supplier;

/**
 * Two ways to do the same work, measured in turns: A B, B A, A B, … so that what the machine does
 * besides meets both. The first pair warms up and does not count.
 */
final class Pairs {
  private final List<Double> values = new ArrayList<>();
  private final List<Double> baselines = new ArrayList<>();

  private Pairs() {}

  /** What was measured of either way, one after the other. */
  record Pair<T>(T value, T baseline) {
    <R> Pair<R> map(Function<T, R> of) {
      return new Pair<>(of.apply(value), of.apply(baseline));
    }
  }

  /** The pairs that are measured for so many that count. */
  static int measured(int repetitions) {
    return repetitions + 1;
  }

  /**
   * Measures.
   *
   * @param repetitions pairs that count, ≥ 1
   * @param value measures once, in the figure's unit
   * @param baseline the same the other way
   * @param after told after each pair
   */
  static Pairs measure(
      int repetitions, DoubleSupplier value, DoubleSupplier baseline, Runnable after) {
    return of(inTurns(repetitions, value::getAsDouble, baseline::getAsDouble, after));
  }

  /** The same for work of which more than one thing is told: {@link #of} takes one of them. */
  static <T> List<Pair<T>> inTurns(
      int repetitions, Supplier<T> value, Supplier<T> baseline, Runnable after) {
    List<Pair<T>> pairs = new ArrayList<>();
    for (int i = -1; i < repetitions; i++) {
      boolean valueFirst = i % 2 == 0;
      T first = (valueFirst ? value : baseline).get();
      T second = (valueFirst ? baseline : value).get();
      if (i >= 0) {
        pairs.add(valueFirst ? new Pair<>(first, second) : new Pair<>(second, first));
      }
      after.run();
    }
    return pairs;
  }

  /** Pairs that were measured, in the figure's unit. */
  static Pairs of(List<Pair<Double>> measured) {
    Pairs pairs = new Pairs();
    for (Pair<Double> pair : measured) {
      pairs.values.add(pair.value());
      pairs.baselines.add(pair.baseline());
    }
    return pairs;
  }

  Figure figure(String name, String unit, Goal goal) {
    List<Double> ratios = new ArrayList<>();
    for (int i = 0; i < values.size(); i++) {
      ratios.add(values.get(i) / baselines.get(i));
    }
    return new Figure(
        name,
        unit,
        median(values),
        smallest(values),
        largest(values),
        Optional.of(
            new Comparison(median(baselines), median(ratios), smallest(ratios), largest(ratios))),
        values.size(),
        goal);
  }

  /** A figure without a baseline. */
  static Figure alone(String name, String unit, List<Double> values, Goal goal) {
    return new Figure(
        name,
        unit,
        median(values),
        smallest(values),
        largest(values),
        Optional.empty(),
        values.size(),
        goal);
  }

  static double median(List<Double> values) {
    List<Double> sorted = values.stream().sorted().toList();
    int middle = sorted.size() / 2;
    return sorted.size() % 2 == 1
        ? sorted.get(middle)
        : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
  }

  private static double smallest(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).min().orElseThrow();
  }

  private static double largest(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).max().orElseThrow();
  }
}
