package io.ballast.rl.bandit;

import io.ballast.rl.bound.Interval;

/** What a candidate would earn by a log, or that the log says too little of it. */
public sealed interface OffPolicyEstimate {
  /** (Σ w)²/Σ w²: how many decisions of the candidate's own would say as much; 0 for none. */
  double effectiveSize();

  /**
   * An estimate.
   *
   * @param value the mean reward of a decision, with its interval
   * @param effectiveSize how much the log says
   * @param meanWeight the mean of w with its interval: far from 1, the log lacks actions that the
   *     candidate would take, or its propensities are wrong
   */
  record Estimated(Interval value, double effectiveSize, Interval meanWeight)
      implements OffPolicyEstimate {}

  /**
   * Too little: an interval would rest on a few lucky or unlucky decisions.
   *
   * @param effectiveSize how much the log says
   * @param clusters how many clusters have a weight
   */
  record TooLittle(double effectiveSize, int clusters) implements OffPolicyEstimate {}
}
