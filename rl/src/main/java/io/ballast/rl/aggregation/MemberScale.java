package io.ballast.rl.aggregation;

import io.ballast.rl.check.Require;
import io.ballast.rl.stats.Moments;

/**
 * Where one member's scores lie on completions of the reference policy; stored with the model.
 *
 * <pre>normalised = (raw − mean)/std</pre>
 *
 * <p>Source: Coste et al. 2024, arXiv:2310.02743: a Bradley–Terry loss leaves each member's offset
 * free, so worst-case aggregation of raw scores would only ever ask the member with the lowest
 * offset.
 *
 * @param mean in the raw scores' unit, finite
 * @param std &gt; 0, in the raw scores' unit
 */
public record MemberScale(double mean, double std) {
  /** Checks the ranges above. */
  public MemberScale {
    Require.finite(mean, "mean");
    Require.positive(std, "std");
  }

  /** Leaves scores as they are. */
  public static MemberScale identity() {
    return new MemberScale(0, 1);
  }

  /**
   * Returns the scale of {@code scores}: their mean and their standard deviation divided by n − 1.
   *
   * @throws IllegalArgumentException if there are fewer than two or all are equal: no scale then
   */
  public static MemberScale of(double[] scores) {
    return new MemberScale(Moments.mean(scores), Moments.sampleStd(scores));
  }

  /** Returns {@code raw}, finite, on the common scale. */
  public double normalise(double raw) {
    return (Require.finite(raw, "raw") - mean) / std;
  }
}
