package io.ballast.orchestrator.core.rollout;

/** What people said of a completion. */
public enum Label {
  /** Nothing: it was sampled. */
  NONE,
  /** It was preferred, or found good. */
  CHOSEN,
  /** Another was preferred, or it was found bad. */
  REJECTED
}
