package io.ballast.orchestrator.core.spec;

/** Who promotes a candidate that has passed its safety test. */
public enum PromotionMode {
  /** The run itself. */
  AUTOMATIC,
  /** A person, by PromoteCandidate; until then the run is held. */
  WAIT,
  /** Nobody: the run tests and is held. */
  NEVER
}
