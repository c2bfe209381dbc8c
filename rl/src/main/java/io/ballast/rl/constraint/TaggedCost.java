package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/**
 * A cost and the version of the policy whose completion it is of.
 *
 * @param cost finite
 * @param version ≥ 0, such as the number of the iteration that sampled
 */
public record TaggedCost(double cost, long version) {
  /** Checks the ranges above. */
  public TaggedCost {
    Require.finite(cost, "cost");
    if (version < 0) {
      throw new IllegalArgumentException("version: " + version + " (expected: >= 0)");
    }
  }
}
