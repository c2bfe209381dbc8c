package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * Everything that a safety test's decision rests on.
 *
 * @param n costs judged, ≥ 2
 * @param meanCost their mean
 * @param stdCost their standard deviation, divided by n − 1
 * @param upperBound of the expected cost at confidence 1 − δ
 * @param threshold τ that it was held against
 * @param delta δ
 * @param method how the bound was computed
 */
public record SafetyTestNumbers(
    int n,
    double meanCost,
    double stdCost,
    double upperBound,
    double threshold,
    double delta,
    BoundMethod method) {
  /** Checks that all numbers are finite. */
  public SafetyTestNumbers {
    Require.atLeast(n, 2, "n");
    Require.finite(meanCost, "meanCost");
    Require.notNegative(stdCost, "stdCost");
    Require.finite(upperBound, "upperBound");
    Require.finite(threshold, "threshold");
    Require.openProbability(delta, "delta");
  }
}
