package io.ballast.rl.selection;

import io.ballast.rl.bound.Interval;
import io.ballast.rl.check.Require;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * A {@link GoldForm} fitted to points.
 *
 * @param form which
 * @param alpha α with its interval
 * @param beta β with its interval; a gold reward that falls has it above 0
 * @param interval what the two intervals rest on
 * @param rSquared 1 − Σ(R − R̂)²/Σ(R − R̄)², at most 1, below 0 if a constant fits better; empty if
 *     all points have one gold reward
 * @param points points that were fitted, ≥ 3
 * @param excluded points that were not: at distance 0, where R is 0 whatever α and β, and for
 *     reinforcement learning those too near
 * @param farthest the greatest distance that was fitted, &gt; 0; nothing is known beyond it
 */
public record GoldFit(
    GoldForm form,
    Interval alpha,
    Interval beta,
    FitInterval interval,
    OptionalDouble rSquared,
    int points,
    int excluded,
    double farthest) {
  /** Checks the ranges above. */
  public GoldFit {
    Require.atLeast(points, GoldFits.LEAST_POINTS, "points");
    Require.atLeast(excluded, 0, "excluded");
    Require.positive(farthest, "farthest");
  }

  /**
   * Where the fitted curve is highest.
   *
   * @param distance d*
   * @param gold R(d*)
   * @param observed whether d* lies within the distances that were fitted; else it is extrapolated
   */
  public record Peak(double distance, double gold, boolean observed) {
    /** The KL of the peak in nats, d*². */
    public double kl() {
      return distance * distance;
    }
  }

  /** Returns the fitted R(d), for d ≥ 0. */
  public double gold(double distance) {
    return form.gold(alpha.estimate(), beta.estimate(), distance);
  }

  /**
   * Returns the peak: d* = α/(2β), R* = α²/(4β) for best of n; d* = exp(α/β − 1), R* = β·d* for
   * reinforcement learning. Empty where the curve never falls (β ≤ 0), only falls (α ≤ 0, for best
   * of n), or turns beyond what a double can tell.
   */
  public Optional<Peak> peak() {
    double a = alpha.estimate();
    double b = beta.estimate();
    if (!(b > 0) || (form == GoldForm.BEST_OF_N && !(a > 0))) {
      return Optional.empty();
    }
    double at = form.peak(a, b);
    double height =
        switch (form) {
          case BEST_OF_N -> a * at / 2;
          case REINFORCEMENT_LEARNING -> b * at;
        };
    return at > 0 && Double.isFinite(at) && Double.isFinite(height)
        ? Optional.of(new Peak(at, height, at <= farthest))
        : Optional.empty();
  }

  /** Returns the distance at which all that was gained is lost again; empty as {@link #peak} is. */
  public OptionalDouble zero() {
    double at = form.zero(alpha.estimate(), beta.estimate());
    return peak().isPresent() && Double.isFinite(at)
        ? OptionalDouble.of(at)
        : OptionalDouble.empty();
  }
}
