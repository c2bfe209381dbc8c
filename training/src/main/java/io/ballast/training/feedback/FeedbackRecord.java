package io.ballast.training.feedback;

import java.time.Instant;

/**
 * One event on one suggestion, as a log keeps it.
 *
 * @param row its place among the records that were read, from 1
 * @param suggestionId of the suggestion
 * @param eventId of the event
 * @param user whose suggestion it was; empty if nobody in particular
 * @param policyVersion what drew it, such as {@code java-tiny/1}
 * @param prompt what was asked
 * @param completion what was suggested; empty if nothing was generated
 * @param shown whether the application was told to show it
 * @param time when it happened, by the client's clock
 * @param act what happened
 */
public record FeedbackRecord(
    long row,
    String suggestionId,
    String eventId,
    String user,
    String policyVersion,
    String prompt,
    String completion,
    boolean shown,
    Instant time,
    FeedbackAct act) {
  /** Characters of its texts. */
  long characters() {
    long own = (long) prompt.length() + completion.length();
    return act instanceof FeedbackAct.Edited edited ? own + edited.finalText().length() : own;
  }
}
