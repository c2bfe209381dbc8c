package io.ballast.loadtest;

/** What a load asks for. */
public enum Scenario {
  /** A suggestion at a place in a Java file. */
  SUGGEST,
  /** Rewards of some completions. */
  SCORE
}
