package io.ballast.reward.core;

import io.ballast.kit.call.ItemFault;

/** A reward, or why there is none; a failure is never a number. */
public sealed interface Reward {
  /**
   * The aggregated reward.
   *
   * @param value finite, dimensionless, higher is better
   * @param spread population standard deviation of the normalised scores that were aggregated
   */
  record Value(double value, double spread) implements Reward {
    public Value {
      if (!Double.isFinite(value) || !Double.isFinite(spread)) {
        throw new IllegalArgumentException(
            "value, spread: " + value + ", " + spread + " (expected: finite)");
      }
    }
  }

  /** Why there is none. */
  record Failed(ItemFault fault) implements Reward {}
}
