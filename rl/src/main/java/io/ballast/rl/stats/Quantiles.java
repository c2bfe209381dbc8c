package io.ballast.rl.stats;

import io.ballast.rl.check.Require;
import java.util.Arrays;

/**
 * Quantiles of numbers at hand, interpolated between neighbours.
 *
 * <pre>
 * h = (n − 1)·p,  k = ⌊h⌋,  Q(p) = x₍ₖ₎ + (h − k)·(x₍ₖ₊₁₎ − x₍ₖ₎),  x₍₀₎ ≤ … ≤ x₍ₙ₋₁₎
 * </pre>
 *
 * <p>Source: Hyndman and Fan 1996, "Sample Quantiles in Statistical Packages", definition 7, which
 * R and NumPy use unless told otherwise. Q(0) is the least number, Q(½) the usual median, Q(1) the
 * greatest; Q never falls when p or a number rises.
 */
public final class Quantiles {
  private Quantiles() {}

  /**
   * Returns Q(p).
   *
   * @param values shape [n], n ≥ 1, finite, in any order
   * @param p 0 to 1
   */
  public static double of(double[] values, double p) {
    Require.finite(values, "values");
    Require.probability(p, "p");
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return ofSorted(sorted, p);
  }

  /**
   * Returns Q(1 − p) as the mirror of Q(p), −Q(p) of the negated numbers, so that rounding cannot
   * tell the two sides apart.
   *
   * @param values shape [n], n ≥ 1, finite, in any order
   * @param p 0 to 1
   */
  public static double upper(double[] values, double p) {
    Require.finite(values, "values");
    return -of(Arrays.stream(values).map(x -> -x).toArray(), p);
  }

  /** Returns Q(½): the middle number, or the mean of the two in the middle. */
  public static double median(double[] values) {
    return of(values, 0.5);
  }

  private static double ofSorted(double[] sorted, double p) {
    double h = (sorted.length - 1) * p;
    int below = (int) Math.floor(h);
    int above = Math.min(below + 1, sorted.length - 1);
    double share = h - below;
    // weighed rather than by the difference, which two numbers far apart overflow; the clamp takes
    // back what rounding adds, so that equal neighbours give themselves
    return Math.clamp(
        (1 - share) * sorted[below] + share * sorted[above], sorted[below], sorted[above]);
  }
}
