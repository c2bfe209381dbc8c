package io.ballast.rl.constraint;

/**
 * The dual variable λ of the constraint E[cost] ≤ budget: the price of one unit of cost over it.
 * Immutable: a step returns the next one.
 */
public sealed interface ConstraintMultiplier permits LagrangeMultiplier, LogLagrangeMultiplier {
  /** λ ≥ 0. */
  double lambda();

  /** The cap of λ. */
  double max();

  /** Whether λ is at its cap: the budget is not met, and the reward hardly counts any more. */
  default boolean atCap() {
    return lambda() >= max();
  }

  /**
   * Returns the multiplier after seeing {@code cost}: larger if it was over {@code budget}.
   *
   * @param cost the mean cost, or a pessimistic bound of it; finite, in the budget's unit
   * @param budget the allowed expected cost, finite
   */
  ConstraintMultiplier step(double cost, double budget);
}
