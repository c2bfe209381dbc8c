package io.ballast.safety.core.canary;

/** What becomes of a canary that held. */
public enum WhenHeld {
  /** It is told, and an operator ends it. */
  REPORT,
  /** It is completed: the alias moves to it. */
  COMPLETE
}
