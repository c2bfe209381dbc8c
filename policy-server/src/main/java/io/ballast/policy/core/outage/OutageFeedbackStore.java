package io.ballast.policy.core.outage;

import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackLog;
import io.ballast.policy.core.feedback.FeedbackStore;
import io.ballast.policy.core.feedback.PageLimit;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/**
 * Keeps events through {@code next}, and on disk while the database is away, if the operator wants
 * that. Reading is the database's alone.
 *
 * <p>An event that waits answers for its key, also after the database is back: a repetition gets
 * the id of the first, whichever of the two is stored first.
 */
public final class OutageFeedbackStore implements FeedbackStore {
  private final FeedbackStore next;
  private final WhenDatabaseDown.Feedback choice;
  private final DatabaseAccess database;
  private final Spool spool;
  private final OutageMonitor monitor;

  public OutageFeedbackStore(
      FeedbackStore next,
      WhenDatabaseDown.Feedback choice,
      DatabaseAccess database,
      Spool spool,
      OutageMonitor monitor) {
    this.next = next;
    this.choice = choice;
    this.database = database;
    this.spool = spool;
    this.monitor = monitor;
  }

  @Override
  public Appended append(FeedbackCommand command, UUID eventId, boolean mayBeEarly) {
    Optional<Spool.Kept> waiting =
        spool.waiting(command.caller().tenant(), command.caller().idempotencyKey());
    if (waiting.isPresent()) {
      return repeated(waiting.get());
    }
    return switch (choice) {
      case REFUSE -> next.append(command, eventId, mayBeEarly);
      case SPOOL ->
          database
              .ask(() -> next.append(command, eventId, mayBeEarly))
              .orElseGet(() -> spooled(command, eventId));
    };
  }

  private Appended spooled(FeedbackCommand command, UUID eventId) {
    if (!wasEverIssued(command.suggestionId(), command.receivedAt())) {
      return new Appended.NoSuggestion();
    }
    Spooled.Feedback event = new Spooled.Feedback(command, eventId);
    Spool.Kept kept = spool.keep(event);
    if (!kept.eventId().equals(eventId)) {
      return repeated(kept);
    }
    monitor.spooled(event);
    return new Appended.Waiting(eventId, command.fingerprint(), false);
  }

  private static Appended repeated(Spool.Kept waiting) {
    return new Appended.Waiting(waiting.eventId(), waiting.fingerprint(), true);
  }

  /** Whether a server can have given out this id; whether one did, only the database knows. */
  private static boolean wasEverIssued(UUID suggestionId, Instant now) {
    return TimeOrderedIds.isTimeOrdered(suggestionId)
        && !TimeOrderedIds.issuedAt(suggestionId).isAfter(now.plus(FeedbackLog.CLOCK_SKEW));
  }

  @Override
  public List<JoinedRecord> read(
      String tenant, long position, Optional<Instant> since, PageLimit limit) {
    return next.read(tenant, position, since, limit);
  }

  @Override
  public Optional<SuggestionHistory> suggestion(String tenant, UUID suggestionId) {
    return next.suggestion(tenant, suggestionId);
  }
}
