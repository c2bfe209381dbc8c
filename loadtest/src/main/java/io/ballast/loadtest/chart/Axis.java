package io.ballast.loadtest.chart;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * A linear scale from numbers to coordinates, with ticks at round numbers.
 *
 * @param least at {@code from}
 * @param most at {@code to}, above {@code least}
 */
public record Axis(double least, double most, double from, double to) {
  private static final int TICKS = 5;

  /** Numbers below it are labelled by their power of ten: their zeros would not fit. */
  private static final double SMALL = 1e-3;

  /** Returns an axis that shows all {@code values}; one value or none gets room around it. */
  public static Axis of(List<Double> values, double from, double to) {
    double least = values.stream().mapToDouble(Double::doubleValue).min().orElse(0);
    double most = values.stream().mapToDouble(Double::doubleValue).max().orElse(1);
    double room = most > least ? (most - least) * 0.06 : most == 0 ? 0.5 : Math.abs(most) * 0.1;
    double low = least >= 0 && least < (most - least) ? 0 : least - room;
    return new Axis(low, most + room, from, to);
  }

  /** Returns the coordinate of {@code value}. */
  public double at(double value) {
    return from + (value - least) / (most - least) * (to - from);
  }

  /** The round numbers within the axis. */
  public List<Double> ticks() {
    double step = step();
    List<Double> ticks = new ArrayList<>();
    for (long k = (long) Math.ceil(least / step - 1e-9); k * step <= most + step * 1e-9; k++) {
      ticks.add(k * step);
    }
    return ticks;
  }

  /** Returns {@code tick} with as many decimals as the ticks need, or as a power of ten. */
  public String label(double tick) {
    if (Math.max(Math.abs(least), Math.abs(most)) < SMALL) {
      return tick == 0
          ? "0"
          : String.format(Locale.ROOT, "%.1e", tick).replace(".0e", "e").replace("e-0", "e-");
    }
    int decimals = (int) Math.max(0, Math.ceil(-Math.log10(step()) - 1e-9));
    String label = String.format(Locale.ROOT, "%." + decimals + "f", tick);
    return label.matches("-0(\\.0*)?") ? label.substring(1) : label;
  }

  private double step() {
    double rough = (most - least) / TICKS;
    double power = Math.pow(10, Math.floor(Math.log10(rough)));
    double digit = rough / power;
    return power * (digit < 1.5 ? 1 : digit < 3.5 ? 2 : digit < 7.5 ? 5 : 10);
  }
}
