package io.ballast.training.feedback;

/** What somebody did with a suggestion. */
public sealed interface FeedbackAct {
  /** Took it as it was. */
  record Accepted() implements FeedbackAct {}

  /** Did not take it. */
  record Rejected() implements FeedbackAct {}

  /**
   * Kept its beginning.
   *
   * @param keptCharacters how many, ≥ 0, UTF-16 code units, as {@link String#length} counts
   * @param finalText what stands there afterwards; empty if unknown
   */
  record Edited(int keptCharacters, String finalText) implements FeedbackAct {}

  /**
   * Reacted with sentiment.
   *
   * @param liked whether it was a like or love; else a dislike
   */
  record Reacted(boolean liked) implements FeedbackAct {}

  /**
   * Judged it on a scale.
   *
   * @param value from {@code minimum} to {@code maximum}, all finite
   */
  record Rated(double value, double minimum, double maximum) implements FeedbackAct {}

  /** Wrote something next: no judgement. */
  record FollowedUp() implements FeedbackAct {}
}
