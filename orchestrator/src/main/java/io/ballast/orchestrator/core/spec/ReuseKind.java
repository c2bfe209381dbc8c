package io.ballast.orchestrator.core.spec;

/** How often the prompts of a safety test may be looked at, by all candidates together. */
public enum ReuseKind {
  /** Once. */
  REFUSE,
  /** As often as the spec says, each look with its part of δ; the set closes at the first pass. */
  SPLIT
}
