package io.ballast.rl.selection;

import io.ballast.rl.check.Require;

/**
 * How the gold reward of a policy goes with its distance d = √KL(π ‖ π_init) from where it began,
 * when it is optimised against a proxy.
 *
 * <pre>
 * R(d) = α·d − β·φ(d),  φ(d) = d² for best of n, d·ln d for reinforcement learning
 * </pre>
 *
 * <p>Source: Gao, Schulman, Hilton 2023, arXiv:2210.10760, §3.1. α is the first slope, β the rate
 * at which gold is lost to the proxy's errors. R(0) = 0: gold is measured from its mean under the
 * first policy, or α takes up the offset. Logarithms are natural.
 */
public enum GoldForm {
  /** R(d) = d·(α − β·d). */
  BEST_OF_N,
  /**
   * R(d) = d·(α − β·ln d). Its slope at 0 is infinite, which no policy's is, so points nearer than
   * {@link GoldFits#LEAST_RL_DISTANCE} are not fitted.
   */
  REINFORCEMENT_LEARNING;

  /** Returns R(d) = α·d − β·φ(d), for d ≥ 0. */
  public double gold(double alpha, double beta, double distance) {
    Require.notNegative(distance, "distance");
    return alpha * distance - beta * loss(distance);
  }

  /** Returns φ(d), for d ≥ 0. */
  double loss(double d) {
    return switch (this) {
      case BEST_OF_N -> d * d;
      case REINFORCEMENT_LEARNING -> d == 0 ? 0 : d * Math.log(d);
    };
  }

  /** Returns the d at which R is greatest, for α and β &gt; 0. */
  double peak(double alpha, double beta) {
    return switch (this) {
      case BEST_OF_N -> alpha / (2 * beta);
      case REINFORCEMENT_LEARNING -> Math.exp(alpha / beta - 1);
    };
  }

  /** Returns the d &gt; 0 at which R is 0 again, for α and β &gt; 0. */
  double zero(double alpha, double beta) {
    return switch (this) {
      case BEST_OF_N -> alpha / beta;
      case REINFORCEMENT_LEARNING -> Math.exp(alpha / beta);
    };
  }
}
