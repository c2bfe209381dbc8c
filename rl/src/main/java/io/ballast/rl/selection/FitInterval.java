package io.ballast.rl.selection;

/** What the confidence intervals of a {@link GoldFit} rest on. */
public enum FitInterval {
  /**
   * Student's t with n − 2 degrees of freedom, as of ordinary least squares: right where points err
   * independently and alike. Points of one pool or one run do not, so read it as the curve's
   * smoothness, not as certainty.
   */
  STUDENT_T,
  /** Percentiles of fits to resampled curves, one of each seed or prompt. */
  BOOTSTRAP
}
