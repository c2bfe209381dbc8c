package io.ballast.rl.regulariser;

/**
 * Estimates of KL(π ‖ π_ref) from one token sampled by π, in nats.
 *
 * <pre>
 * u = log π(a) − log π_ref(a)
 * k1 = u,  k2 = ½u²,  k3 = e^(−u) + u − 1
 * </pre>
 *
 * <p>Source: Schulman 2020, "Approximating KL divergence". k1 is unbiased and may be negative; k2
 * is biased, never negative; k3 is unbiased and never negative.
 */
public enum KlEstimator {
  /** log π − log π_ref. */
  K1,
  /** Half its square. */
  K2,
  /**
   * π_ref/π − 1 − log(π_ref/π). As verl does, the exponent is held within ±20 and the estimate at
   * most 10: beyond either the gradient is 0, so that one absurd token cannot own an update.
   */
  K3;

  private static final double LARGEST_EXPONENT = 20;
  private static final double LARGEST_K3 = 10;

  /** Returns the estimate for a log-ratio {@code u}, finite. */
  public double estimate(double u) {
    return switch (this) {
      case K1 -> u;
      case K2 -> 0.5 * u * u;
      case K3 -> Math.min(k3(Math.clamp(u, -LARGEST_EXPONENT, LARGEST_EXPONENT)), LARGEST_K3);
    };
  }

  /** Returns the derivative of {@link #estimate} by log π. */
  public double slope(double u) {
    return switch (this) {
      case K1 -> 1;
      case K2 -> u;
      case K3 -> Math.abs(u) > LARGEST_EXPONENT || k3(u) > LARGEST_K3 ? 0 : -Math.expm1(-u);
    };
  }

  private static double k3(double u) {
    return Math.expm1(-u) + u;
  }
}
