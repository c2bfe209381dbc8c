package io.ballast.policy.core.suggest;

/** What becomes of a suggestion. */
public enum Decision {
  SHOW,
  WITHHOLD,
  BLOCK
}
