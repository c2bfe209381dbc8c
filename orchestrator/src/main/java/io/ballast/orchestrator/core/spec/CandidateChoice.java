package io.ballast.orchestrator.core.spec;

/** Which of a run's weights become its candidate. */
public enum CandidateChoice {
  /** Those of the last iteration. */
  LAST,
  /** Those with the highest evaluation, the first of equals. */
  BEST
}
