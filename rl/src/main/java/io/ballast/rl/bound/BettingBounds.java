package io.ballast.rl.bound;

import io.ballast.rl.check.Require;

/**
 * Confidence bounds of a mean by betting against every mean that it might have: a gambler who
 * stakes on each next value can hardly become rich if the mean is what the bet says.
 *
 * <pre>
 * Kₜ(m) = Πᵢ≤ₜ (1 + λᵢ(m)·(xᵢ − m)),  λᵢ(m) = min(√(2·ln(1/δ)/(n·σ̂²ᵢ₋₁)), ¾/m)
 * lower bound = inf{m : maxₜ Kₜ(m) &lt; 1/δ}
 * </pre>
 *
 * <p>Source: Waudby-Smith and Ramdas 2024, "Estimating means of bounded random variables by
 * betting", §4, arXiv:2010.09686. By Ville's inequality a wealth that is 1 on average reaches 1/δ
 * with probability at most δ, so it holds for every distribution on [a, b] and every n. Differs:
 * one side alone at δ (the paper hedges two at δ/2 each); the wealth falls with m, so the bound is
 * found by halving, exactly, instead of on a grid; the richest moment counts, not the last.
 *
 * <p>It depends on the order of the values, which must have been fixed before they were seen.
 */
public final class BettingBounds {
  /** No stake loses more than this share of the wealth. */
  static final double MOST_LOST = 0.75;

  private static final int HALVINGS = 60;

  private BettingBounds() {}

  /**
   * Returns the upper bound, at most b.
   *
   * @param values shape [n], n ≥ 1, each a to b, in the order in which they came
   * @param low a, finite
   * @param high b &gt; a, finite
   * @param delta δ, above 0, below 1
   */
  public static double upper(double[] values, double low, double high, double delta) {
    double[] mirrored = unit(values, low, high);
    for (int i = 0; i < mirrored.length; i++) {
      mirrored[i] = 1 - mirrored[i];
    }
    return Math.clamp(high - (high - low) * lowerOfUnit(mirrored, delta), low, high);
  }

  /** Returns the lower bound, at least a: the mirror of {@link #upper}. */
  public static double lower(double[] values, double low, double high, double delta) {
    return Math.clamp(low + (high - low) * lowerOfUnit(unit(values, low, high), delta), low, high);
  }

  /**
   * Returns how likely it is that a gambler who bets on more becomes as rich if the mean is at most
   * m: 1/maxₜ Kₜ(m). It is at most δ exactly where m is below the lower bound at δ, and at most any
   * u with probability at most u where the mean is at most m.
   *
   * @param values shape [n], n ≥ 1, each 0 to 1, in the order in which they came
   * @param mean m, above 0, below 1
   * @param delta δ that the stakes aim at, above 0, below 1
   * @return above 0, at most 1
   */
  public static double pValue(double[] values, double mean, double delta) {
    Require.openProbability(mean, "mean");
    double[] unit = unit(values, 0, 1);
    return Math.max(Double.MIN_VALUE, Math.exp(-highestLogWealth(unit, stakes(unit, delta), mean)));
  }

  /** The logarithm of the factor by which one value changes the wealth that bets on more than m. */
  static double logGain(double value, double mean, double stake) {
    double most = stake * mean > MOST_LOST ? MOST_LOST / mean : stake;
    return Math.log1p(most * (value - mean));
  }

  private static double[] unit(double[] values, double low, double high) {
    new CostRange(low, high).require(values, "values");
    double[] unit = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      unit[i] = Math.clamp((values[i] - low) / (high - low), 0, 1);
    }
    return unit;
  }

  private static double lowerOfUnit(double[] unit, double delta) {
    double[] stakes = stakes(unit, delta);
    double rich = -Math.log(delta);
    double refuted = 0;
    double possible = 1;
    if (highestLogWealth(unit, stakes, refuted) < rich) {
      return 0;
    }
    for (int i = 0; i < HALVINGS; i++) {
      double middle = (refuted + possible) / 2;
      if (highestLogWealth(unit, stakes, middle) >= rich) {
        refuted = middle;
      } else {
        possible = middle;
      }
    }
    return refuted;
  }

  private static double[] stakes(double[] unit, double delta) {
    Require.openProbability(delta, "delta");
    double[] stakes = new double[unit.length];
    StreamMoments seen = StreamMoments.NONE;
    for (int i = 0; i < unit.length; i++) {
      stakes[i] = seen.stakeOf(unit.length, delta);
      seen = seen.add(unit[i]);
    }
    return stakes;
  }

  private static double highestLogWealth(double[] unit, double[] stakes, double mean) {
    double wealth = 0;
    double highest = 0;
    for (int i = 0; i < unit.length; i++) {
      wealth += logGain(unit[i], mean, stakes[i]);
      highest = Math.max(highest, wealth);
    }
    return highest;
  }
}
