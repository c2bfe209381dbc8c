package io.ballast.loadtest.bench;

import java.util.Locale;
import java.util.OptionalDouble;

/** What a figure must show. */
public sealed interface Goal {
  /** Whether the goal is met by a value and, if there is a baseline, its ratio to it. */
  boolean holds(double value, OptionalDouble ratio);

  /** The value is at least {@code least} times the baseline. */
  record RatioAtLeast(double least) implements Goal {
    @Override
    public boolean holds(double value, OptionalDouble ratio) {
      return ratio.isPresent() && ratio.getAsDouble() >= least;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "ratio >= %.2f", least);
    }
  }

  /** The value is at most {@code most} times the baseline. */
  record RatioAtMost(double most) implements Goal {
    @Override
    public boolean holds(double value, OptionalDouble ratio) {
      return ratio.isPresent() && ratio.getAsDouble() <= most;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "ratio <= %.2f", most);
    }
  }

  /** The value is below {@code limit}, in the figure's unit. */
  record Below(double limit) implements Goal {
    @Override
    public boolean holds(double value, OptionalDouble ratio) {
      return value < limit;
    }

    @Override
    public String toString() {
      return String.format(Locale.ROOT, "value < %s", Figure.number(limit));
    }
  }

  /** Shown, not judged; it holds if it could be measured at all. */
  record Reported() implements Goal {
    @Override
    public boolean holds(double value, OptionalDouble ratio) {
      return Double.isFinite(value);
    }

    @Override
    public String toString() {
      return "reported";
    }
  }
}
