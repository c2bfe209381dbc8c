package io.ballast.rl.constraint;

import io.ballast.rl.check.Require;

/**
 * What a pessimistic bound rests on.
 *
 * @param mean m, finite
 * @param std s ≥ 0, unbiased
 * @param size n_b: how many equally weighted costs would say as much; ≥ 2
 */
public record CostMoments(double mean, double std, double size) {
  /** Checks the ranges above. */
  public CostMoments {
    Require.finite(mean, "mean");
    Require.notNegative(std, "std");
    Require.inRange(size, 2, Double.MAX_VALUE, "size");
  }
}
