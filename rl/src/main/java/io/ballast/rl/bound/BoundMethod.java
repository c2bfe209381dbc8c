package io.ballast.rl.bound;

/** How the upper confidence bound of a mean is computed. */
public enum BoundMethod {
  /** Student's t: exact for means that are normal, asymptotic otherwise. */
  STUDENT_T,
  /** Hoeffding's inequality: holds for every distribution on [0, 1]; wider. */
  HOEFFDING
}
