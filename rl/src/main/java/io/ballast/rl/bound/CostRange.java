package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * Where costs lie for certain: what bounds that hold for every distribution rest on.
 *
 * @param low a, finite
 * @param high b &gt; a, finite
 */
public record CostRange(double low, double high) {
  /** Costs that are probabilities, or 0 and 1. */
  public static final CostRange UNIT = new CostRange(0, 1);

  /** Costs of which nothing is known: enough for Student's t alone. */
  public static final CostRange UNBOUNDED = new CostRange(-Double.MAX_VALUE, Double.MAX_VALUE);

  /** Checks the ranges above. */
  public CostRange {
    Require.finite(low, "low");
    Require.finite(high, "high");
    Require.inRange(high, Math.nextUp(low), Double.MAX_VALUE, "high");
  }

  /** Whether the range says anything. */
  public boolean bounded() {
    return Double.isFinite(high - low);
  }

  /** Returns {@code costs} if each lies in the range, at least one. */
  public double[] require(double[] costs, String name) {
    Require.finite(costs, name);
    for (int i = 0; i < costs.length; i++) {
      Require.inRange(costs[i], low, high, name + "[" + i + "]");
    }
    return costs;
  }
}
