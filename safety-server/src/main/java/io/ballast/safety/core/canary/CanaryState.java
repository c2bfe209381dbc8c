package io.ballast.safety.core.canary;

/** Where a watch stands. */
public enum CanaryState {
  /** The canary is under way. */
  WATCHING,
  /** It is decided that it is rolled back. */
  ROLLING_BACK,
  /** It was rolled back. */
  ROLLED_BACK,
  /** The alias moved to it. */
  COMPLETED,
  /** Another move of the alias ended it. */
  SUPERSEDED
}
