package io.ballast.loadtest.scenario;

/** What is said to have been done with a suggestion. */
public enum FeedbackKind {
  /** Taken as it was. */
  ACCEPTED,
  /** Not taken. */
  REJECTED
}
