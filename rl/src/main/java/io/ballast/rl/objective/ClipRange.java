package io.ballast.rl.objective;

import io.ballast.rl.check.Require;

/**
 * How far a ratio π/μ may move before its gradient is stopped.
 *
 * <pre>
 * ℓ(Â, ρ) = max(−Âρ, −Â·clip(ρ, 1 − ε_low, 1 + ε_high))
 * and where Â &lt; 0: min(ℓ, −Âc)      (dual clip)
 * </pre>
 *
 * <p>Source: Schulman et al. 2017 (PPO), eq. 7, arXiv:1707.06347; two ranges: Yu et al. 2025
 * (DAPO), arXiv:2503.14476; dual clip: Ye et al. 2019, arXiv:1912.09729. A log-ratio beyond ±20 is
 * taken as ±20, and its gradient as 0: the ratio stays a number.
 *
 * @param low ε below 1, above 0, at most 1: there no ratio is too low
 * @param high ε above 1, above 0, finite
 * @param dual c &gt; 1, the largest loss per unit of a negative advantage; infinite: no such limit
 */
public record ClipRange(double low, double high, double dual) {
  private static final double LARGEST_LOG_RATIO = 20;

  /** Checks the ranges above. */
  public ClipRange {
    if (!(low > 0 && low <= 1)) {
      throw new IllegalArgumentException("clip.low: " + low + " (expected: above 0, at most 1)");
    }
    Require.positive(high, "clip.high");
    if (!(dual > 1)) {
      throw new IllegalArgumentException("clip.dual: " + dual + " (expected: > 1)");
    }
  }

  /** 1 − ε to 1 + ε, no dual clip. */
  public static ClipRange symmetric(double epsilon) {
    return of(epsilon, epsilon);
  }

  /** 1 − {@code low} to 1 + {@code high}, no dual clip. */
  public static ClipRange of(double low, double high) {
    return new ClipRange(low, high, Double.POSITIVE_INFINITY);
  }

  /** Returns the same range with a limit {@code c} &gt; 1 on the loss of a negative advantage. */
  public ClipRange withDual(double c) {
    return new ClipRange(low, high, c);
  }

  /** Returns exp of {@code logRatio} in nats, which is held within ±20. */
  static double ratio(double logRatio) {
    return Math.exp(Math.clamp(logRatio, -LARGEST_LOG_RATIO, LARGEST_LOG_RATIO));
  }

  /** Returns {@code ratio} held within the range. */
  double hold(double ratio) {
    return Math.clamp(ratio, 1 - low, 1 + high);
  }

  /** The loss of one advantage at one log-ratio. */
  double loss(double advantage, double logRatio) {
    double ratio = ratio(logRatio);
    double clipped = hold(ratio);
    double loss = Math.max(-advantage * ratio, -advantage * clipped);
    return advantage < 0 ? Math.min(loss, -advantage * dual) : loss;
  }

  /** The derivative of {@link #loss} by the log-ratio; 0 where {@link #stops} holds. */
  double slope(double advantage, double logRatio) {
    return stops(advantage, logRatio) ? 0 : -advantage * ratio(logRatio);
  }

  /** Whether the clip stops the gradient of one advantage at one log-ratio. */
  boolean stops(double advantage, double logRatio) {
    if (Math.abs(logRatio) > LARGEST_LOG_RATIO) {
      return true;
    }
    double ratio = ratio(logRatio);
    if (advantage > 0) {
      return ratio > 1 + high;
    }
    return advantage < 0 && (ratio < 1 - low || ratio > dual);
  }
}
