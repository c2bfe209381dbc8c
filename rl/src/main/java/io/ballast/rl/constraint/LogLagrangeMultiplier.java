package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/**
 * Dual ascent on log λ.
 *
 * <pre>ln λ′ = ln λ + α·λ·(cost − budget),  λ′ held within min to max</pre>
 *
 * <p>Source: Dai et al. 2024 (Safe RLHF), arXiv:2310.12773, and HC-RLHF, arXiv:2506.08266, as their
 * code does it. Since λ multiplies its own step, near 0 it would hardly recover: hence the floor,
 * which they lack.
 *
 * @param lambda λ, min to max
 * @param learningRate α &gt; 0
 * @param min the floor, &gt; 0
 * @param max the cap, ≥ min
 */
public record LogLagrangeMultiplier(double lambda, double learningRate, double min, double max)
    implements ConstraintMultiplier {
  /** Checks the ranges above. */
  public LogLagrangeMultiplier {
    Require.positive(min, "min");
    Require.inRange(max, min, Double.MAX_VALUE, "max");
    Require.inRange(lambda, min, max, "lambda");
    Require.positive(learningRate, "learningRate");
  }

  @Override
  public LogLagrangeMultiplier step(double cost, double budget) {
    Require.finite(cost, "cost");
    Require.finite(budget, "budget");
    double logNext = Math.log(lambda) + learningRate * lambda * (cost - budget);
    double next = Math.clamp(Math.exp(logNext), min, max);
    return new LogLagrangeMultiplier(next, learningRate, min, max);
  }
}
