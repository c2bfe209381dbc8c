package io.ballast.policy.core.feedback;

/** What somebody did with a suggestion. */
public enum FeedbackKind {
  ACCEPTED,
  REJECTED,
  EDITED,
  REACTION,
  FOLLOW_UP,
  RATING
}
