package io.ballast.rl.bound;

/** How the upper confidence bound of a mean is computed. */
public enum BoundMethod {
  /** Student's t: exact for means that are normal, asymptotic otherwise. */
  STUDENT_T,
  /** Hoeffding's inequality: holds for every distribution on a range; wide. */
  HOEFFDING,
  /**
   * Maurer and Pontil's empirical Bernstein bound: as Hoeffding's, narrow where costs vary little.
   */
  EMPIRICAL_BERNSTEIN,
  /** Clopper and Pearson's exact bound of a share: for costs that are 0 or 1. */
  CLOPPER_PEARSON,
  /**
   * A bet against every mean that is too low, in an order of its own: as Hoeffding's, narrow where
   * costs vary little, and narrower than empirical Bernstein for small samples.
   */
  BETTING
}
