package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * What is known of a stream of numbers in [0, 1] before its next one: the mean and the variance
 * that a bet on the next may rest on. Immutable: adding returns the next state, which is all there
 * is to store.
 *
 * <pre>
 * μ̂ₜ = (½ + Σᵢ≤ₜ xᵢ)/(t + 1),  σ̂²ₜ = (¼ + Σᵢ≤ₜ (xᵢ − μ̂ᵢ)²)/(t + 1)
 * </pre>
 *
 * <p>Source: Waudby-Smith and Ramdas 2024, §3.2 (the predictable plug-in), arXiv:2010.09686.
 *
 * @param count t ≥ 0
 * @param sum Σ xᵢ, 0 to t
 * @param squares Σ (xᵢ − μ̂ᵢ)², at least 0
 */
public record StreamMoments(int count, double sum, double squares) {
  /** Nothing is known yet: mean ½, variance ¼. */
  public static final StreamMoments NONE = new StreamMoments(0, 0, 0);

  /** Checks the ranges above. */
  public StreamMoments {
    Require.atLeast(count, 0, "count");
    Require.inRange(sum, 0, count, "sum");
    Require.notNegative(squares, "squares");
  }

  /** Returns the state after {@code value}, 0 to 1. */
  public StreamMoments add(double value) {
    Require.probability(value, "value");
    double next = Math.min(sum + value, count + 1);
    double gap = value - (0.5 + next) / (count + 2);
    return new StreamMoments(count + 1, next, squares + gap * gap);
  }

  /** μ̂ₜ, above 0, below 1. */
  public double mean() {
    return (0.5 + sum) / (count + 1);
  }

  /** σ̂²ₜ, above 0. */
  public double variance() {
    return (0.25 + squares) / (count + 1);
  }

  /**
   * The stake on the next number where {@code n} numbers come in all: √(2·ln(1/α)/(n·σ̂²ₜ)).
   *
   * @param n how many there will be, ≥ 1
   */
  double stakeOf(int n, double alpha) {
    return Math.sqrt(-2 * Math.log(alpha) / (n * variance()));
  }

  /** The stake on the next number where no end is set: √(2·ln(1/α)/(σ̂²ₜ₋₁·t·ln(1 + t))). */
  double endlessStake(double alpha) {
    double t = count + 1;
    return Math.sqrt(-2 * Math.log(alpha) / (variance() * t * Math.log1p(t)));
  }
}
