package io.ballast.loadtest.bench;

import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * One measured figure.
 *
 * @param name what it is
 * @param unit of value and baseline
 * @param value the median of its repetitions; NaN if it could not be measured
 * @param low the smallest of them
 * @param high the largest of them
 * @param comparison the same work done the other way, if there is one
 * @param repetitions how often it was measured, ≥ 0
 * @param goal what it must show
 */
public record Figure(
    String name,
    String unit,
    double value,
    double low,
    double high,
    Optional<Comparison> comparison,
    int repetitions,
    Goal goal) {
  /**
   * The baseline, measured in turns with the figure.
   *
   * @param baseline the median of its repetitions
   * @param ratio the median of value / baseline over the pairs of repetitions
   * @param lowRatio the smallest of them
   * @param highRatio the largest of them
   */
  public record Comparison(double baseline, double ratio, double lowRatio, double highRatio) {}

  /** One that could not be measured, and so misses its goal whatever that is. */
  static Figure unmeasured(String name, String unit, Goal goal) {
    return new Figure(name, unit, Double.NaN, Double.NaN, Double.NaN, Optional.empty(), 0, goal);
  }

  /** Whether there is a value. */
  boolean measured() {
    return Double.isFinite(value);
  }

  /** Whether the goal is met. */
  public boolean holds() {
    return measured()
        && goal.holds(
            value,
            comparison.map(c -> OptionalDouble.of(c.ratio())).orElseGet(OptionalDouble::empty));
  }

  /** A figure of a few digits: 12,345 or 123.4 or 0.9876. */
  static String number(double value) {
    double size = Math.abs(value);
    String format = size >= 1_000 ? "%,.0f" : size >= 100 ? "%.1f" : size >= 1 ? "%.2f" : "%.3f";
    return String.format(Locale.ROOT, format, value);
  }
}
