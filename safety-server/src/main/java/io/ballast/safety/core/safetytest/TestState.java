package io.ballast.safety.core.safetytest;

/** Where a safety test stands. */
public enum TestState {
  /** Sampling or judging. */
  RUNNING,
  /** The upper bound is at or below the threshold; there is a certificate. */
  PASSED,
  /** The upper bound is over the threshold; there is no certificate. */
  NO_SOLUTION_FOUND,
  /** It could not be carried out; the look was given back. */
  FAILED;

  /** Whether it has ended. */
  public boolean ended() {
    return this != RUNNING;
  }
}
