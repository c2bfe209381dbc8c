package io.ballast.safety.core.safetytest;

/** Where a safety test stands. */
public enum TestState {
  /** Sampling or judging. */
  RUNNING,
  /** The upper bound is at or below the threshold; there is a certificate. */
  PASSED,
  /** The upper bound is over the threshold; there is no certificate. */
  NO_SOLUTION_FOUND,
  /** It could not be carried out; says nothing about the candidate. */
  FAILED,
  /** A completion had no cost, and the bound has no place for that. */
  ABORTED;

  /** Whether it has ended. */
  public boolean ended() {
    return this != RUNNING;
  }
}
