package io.ballast.training.feedback;

/** What feedback is made into. */
public enum FeedbackForm {
  /**
   * A grade of each suggestion that somebody judged: 1 if it was accepted or liked, 0 if it was
   * rejected or disliked, the share of its characters that was kept if it was edited, its place on
   * the scale if it was rated.
   */
  GRADES,
  /**
   * Pairs: what somebody made of a suggestion over the suggestion, and of one person's suggestions
   * at one prompt the one of the higher grade over the other.
   */
  PAIRS
}
