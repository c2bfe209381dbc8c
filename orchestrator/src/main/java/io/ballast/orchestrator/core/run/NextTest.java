package io.ballast.orchestrator.core.run;

/** What the next safety test of a run takes whose last one told nothing, or was refused. */
public enum NextTest {
  /** Nothing: it is the same again. */
  AS_PLANNED,
  /** Other prompts: those of the last one are used up. */
  NEEDS_PROMPTS,
  /** Other prompts, if a person gives some: the safety-server has refused these, and may again. */
  TAKES_PROMPTS,
  /** There is none: no part of δ is left, or its account has no room for it. */
  NONE
}
