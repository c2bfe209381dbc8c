package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/**
 * Projected dual ascent in λ itself.
 *
 * <pre>λ′ = clamp(λ + η·(cost − budget), 0, max)</pre>
 *
 * <p>Source: the dual step of a Lagrangian, as Ray et al. 2019 (Safety Gym) take it. λ can reach 0
 * and leave it again; its steps do not grow with λ.
 *
 * @param lambda λ, 0 to max
 * @param learningRate η &gt; 0
 * @param max the cap, ≥ 0: without one λ explodes while the budget cannot be met
 */
public record LagrangeMultiplier(double lambda, double learningRate, double max)
    implements ConstraintMultiplier {
  /** Checks the ranges above. */
  public LagrangeMultiplier {
    Require.notNegative(max, "max");
    Require.inRange(lambda, 0, max, "lambda");
    Require.positive(learningRate, "learningRate");
  }

  @Override
  public LagrangeMultiplier step(double cost, double budget) {
    Require.finite(cost, "cost");
    Require.finite(budget, "budget");
    double next = Math.clamp(lambda + learningRate * (cost - budget), 0, max);
    return new LagrangeMultiplier(next, learningRate, max);
  }
}
