package io.ballast.rl.bound;

import io.ballast.rl.check.Require;
import io.ballast.rl.sample.Numbers;

/**
 * Bounds of a stream's mean that hold at all times at once: with probability at least 1 − α the
 * mean lies between them after every value, however often one looks and whenever one stops.
 *
 * <pre>
 * [Lₜ, Uₜ] = {m : maxᵢ≤ₜ K⁺ᵢ(m) &lt; 2/α and maxᵢ≤ₜ K⁻ᵢ(m) &lt; 2/α}
 * </pre>
 *
 * <p>Source: Waudby-Smith and Ramdas 2024, §4, arXiv:2010.09686: a {@link BettingTest} at α/2 of
 * every mean from either side. Differs: each side has its own wealth, instead of half of one. Means
 * are tried on a grid of G + 1 lines, so each bound is wider by up to 1/G than it could be. It is
 * of one mean: of a stream that drifts it may exclude every value, and then says so. Immutable:
 * adding returns the next state, in time and memory of order G.
 *
 * @param alpha α, above 0, below 1
 * @param seen what came so far
 * @param above shape [G + 1]: the logarithm of the wealth that bets on more than j/G
 * @param below shape [G + 1]: of the one that bets on less
 * @param lowest the lowest line that is not refuted, 0 to G + 1
 * @param highest the highest line that is not refuted, −1 to G
 */
public record ConfidenceSequence(
    double alpha, StreamMoments seen, Numbers above, Numbers below, int lowest, int highest) {
  /** Checks the ranges above. */
  public ConfidenceSequence {
    Require.openProbability(alpha, "alpha");
    Require.atLeast(above.size(), 2, "above");
    Require.sameLength(below.size(), above.size(), "below");
    Require.inRange(lowest, 0, above.size(), "lowest");
    Require.inRange(highest, -1, above.size() - 1, "highest");
  }

  /**
   * A sequence that has seen nothing yet.
   *
   * @param alpha α, above 0, below 1
   * @param steps G ≥ 1: how many steps the grid from 0 to 1 has
   */
  public static ConfidenceSequence of(double alpha, int steps) {
    Numbers even = Numbers.repeated(0, Require.atLeast(steps, 1, "steps") + 1);
    return new ConfidenceSequence(alpha, StreamMoments.NONE, even, even, 0, steps);
  }

  /** Returns the sequence after {@code value}, 0 to 1. */
  public ConfidenceSequence add(double value) {
    Require.probability(value, "value");
    double stake = seen.endlessStake(alpha / 2);
    double rich = -Math.log(alpha / 2);
    double[] more = above.toArray();
    double[] less = below.toArray();
    int steps = more.length - 1;
    int low = lowest;
    int high = highest;
    for (int j = lowest; j <= highest; j++) {
      double mean = (double) j / steps;
      more[j] += BettingBounds.logGain(value, mean, stake);
      less[j] += BettingBounds.logGain(1 - value, 1 - mean, stake);
      if (more[j] >= rich) {
        low = j + 1;
      }
    }
    for (int j = highest; j >= lowest && less[j] >= rich; j--) {
      high = j - 1;
    }
    return new ConfidenceSequence(
        alpha, seen.add(value), Numbers.of(more), Numbers.of(less), low, high);
  }

  /** Whether every mean is refuted: the stream has none that stays. */
  public boolean empty() {
    return lowest > highest;
  }

  /** L: the mean is more than this; 0 while nothing is refuted. */
  public double lower() {
    return Math.max(0, (double) (lowest - 1) / (above.size() - 1));
  }

  /** U: the mean is less than this; 1 while nothing is refuted. */
  public double upper() {
    return Math.min(1, (double) (highest + 1) / (above.size() - 1));
  }
}
