package io.ballast.loadtest.scenario;

/** What a load asks for. */
public enum CallKind {
  /** A suggestion at a place in a Java file. */
  SUGGEST,
  /** The same, with its text as it is generated. */
  SUGGEST_STREAM,
  /** Rewards of some completions. */
  SCORE,
  /** What somebody did with a suggestion that this load was given. */
  FEEDBACK
}
