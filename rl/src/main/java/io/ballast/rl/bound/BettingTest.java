package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * A test that the mean of a stream is at most m, which may be looked at after every value and
 * stopped at any time: if the mean is at most m, it ever rejects with probability at most α.
 *
 * <pre>
 * log Kₜ = Σᵢ≤ₜ ln(1 + λᵢ·(xᵢ − m)),  λᵢ = min(√(2·ln(1/α)/(σ̂²ᵢ₋₁·i·ln(1 + i))), ¾/m)
 * rejects ⇔ maxₜ Kₜ ≥ 1/α
 * </pre>
 *
 * <p>Source: Waudby-Smith and Ramdas 2024, §4, arXiv:2010.09686; Ville 1939. It holds for every
 * stream in [0, 1] whose next value is at most m on average given what came before, so also where
 * the distribution drifts below m. Immutable: adding returns the next state, which is all there is
 * to store, in constant time. To test that a mean is at least m, add 1 − x and test 1 − m.
 *
 * @param mean m, above 0, below 1
 * @param alpha α, above 0, below 1
 * @param seen what came so far
 * @param logWealth log Kₜ
 * @param highestLogWealth its maximum so far, at least 0
 */
public record BettingTest(
    double mean, double alpha, StreamMoments seen, double logWealth, double highestLogWealth) {
  /** Checks the ranges above. */
  public BettingTest {
    Require.openProbability(mean, "mean");
    Require.openProbability(alpha, "alpha");
    Require.finite(logWealth, "logWealth");
    Require.inRange(highestLogWealth, Math.max(0, logWealth), Double.MAX_VALUE, "highestLogWealth");
  }

  /** A test that has seen nothing yet. */
  public static BettingTest of(double mean, double alpha) {
    return new BettingTest(mean, alpha, StreamMoments.NONE, 0, 0);
  }

  /** Returns the test after {@code value}, 0 to 1. */
  public BettingTest add(double value) {
    Require.probability(value, "value");
    double wealth = logWealth + BettingBounds.logGain(value, mean, seen.endlessStake(alpha));
    return new BettingTest(
        mean, alpha, seen.add(value), wealth, Math.max(highestLogWealth, wealth));
  }

  /** Whether the mean is more than m, at confidence 1 − α; once true, true for ever. */
  public boolean rejects() {
    return highestLogWealth >= -Math.log(alpha);
  }

  /** The smallest α at which this stake would have rejected so far: 1/maxₜ Kₜ, above 0 to 1. */
  public double pValue() {
    return Math.max(Double.MIN_VALUE, Math.exp(-highestLogWealth));
  }
}
