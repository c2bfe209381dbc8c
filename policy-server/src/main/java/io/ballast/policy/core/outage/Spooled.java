package io.ballast.policy.core.outage;

import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.suggest.DecisionRow;
import java.time.Instant;
import java.util.UUID;

/** Something that waits for the database. */
public sealed interface Spooled {
  /** When it came. */
  Instant since();

  /** What it is called in metrics. */
  String kind();

  /** A decided suggestion. */
  record Decision(DecisionRow row) implements Spooled {
    @Override
    public Instant since() {
      return row.decidedAt();
    }

    @Override
    public String kind() {
      return "decision";
    }
  }

  /**
   * An event on a suggestion.
   *
   * @param eventId the id that its sender was told
   */
  record Feedback(FeedbackCommand command, UUID eventId) implements Spooled {
    @Override
    public Instant since() {
      return command.receivedAt();
    }

    @Override
    public String kind() {
      return "feedback";
    }
  }
}
