package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;
import java.util.OptionalDouble;

/** A reward, or why there is none; a failure is never a number. */
public sealed interface Reward {
  /**
   * The reward.
   *
   * @param value finite, dimensionless, higher is better
   * @param spread population standard deviation of the normalised scores that were aggregated,
   *     finite; empty where no ensemble alone stands behind the value
   */
  record Value(double value, OptionalDouble spread) implements Reward {
    public Value {
      if (!Double.isFinite(value) || !Double.isFinite(spread.orElse(0))) {
        throw new IllegalArgumentException(
            "value, spread: " + value + ", " + spread + " (expected: finite)");
      }
    }

    /** A value that stands alone. */
    public static Value of(double value) {
      return new Value(value, OptionalDouble.empty());
    }

    /** What an ensemble agreed on. */
    public static Value of(double value, double spread) {
      return new Value(value, OptionalDouble.of(spread));
    }
  }

  /** Why there is none. */
  record Failed(ItemFault fault) implements Reward {}
}
