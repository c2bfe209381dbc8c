package io.ballast.policy.core.feedback;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.Texts;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.CallCancellation;
import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.FeedbackStore.SuggestionHistory;
import io.ballast.policy.core.history.ShownSuggestion.Outcome;
import io.ballast.policy.core.history.UserHistory;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * Records feedback exactly once by key, joins it to its suggestion however late, and streams the
 * joined records in a stable order.
 *
 * <p>Feedback may overtake its suggestion. It is kept then if the id is one that a server could
 * have issued a moment ago: a UUID of version 7 from the last 24 hours. Any other unknown id is
 * refused, so that nobody fills the log with events that can never be joined.
 */
public final class FeedbackLog {
  /** How long after its issue a suggestion's id is taken on trust. */
  public static final Duration EARLY_FEEDBACK_WINDOW = Duration.ofHours(24);

  /** How far the clocks of two replicas may differ. */
  public static final Duration CLOCK_SKEW = Duration.ofSeconds(5);

  private static final int MAX_KEY_CHARACTERS = 128;

  /** Some records of the longest prompts, hundreds of the usual ones. */
  private static final PageLimit PAGE = new PageLimit(500, 256 << 10);

  private final FeedbackStore store;
  private final TimeOrderedIds ids;
  private final ChangeSignal changes;
  private final UserHistory history;
  private final PagedStream pages;

  /**
   * @param changes announced whenever this process stores a suggestion or an event
   * @param history learns of the events that are kept
   * @param followBound the longest that a follower waits before it looks again, for what other
   *     replicas stored
   */
  public FeedbackLog(
      FeedbackStore store,
      TimeOrderedIds ids,
      ChangeSignal changes,
      UserHistory history,
      Duration followBound) {
    this.store = store;
    this.ids = ids;
    this.changes = changes;
    this.history = history;
    this.pages = new PagedStream(changes, followBound, PAGE);
  }

  /**
   * Records one event; returns once it is durable. A repetition under the same key changes nothing.
   *
   * @throws MeshException MALFORMED_REQUEST without a key, or for a key that another event used;
   *     UNKNOWN_RESOURCE for a suggestion that does not exist or is another tenant's
   */
  public Receipt record(FeedbackCommand command) {
    return record(command, ids.next());
  }

  /** The same under an id that the sender was told before. */
  public Receipt record(FeedbackCommand command, UUID eventId) {
    String key = command.caller().idempotencyKey();
    if (key.isEmpty() || key.length() > MAX_KEY_CHARACTERS) {
      throw Texts.malformed(
          "metadata.idempotency_key",
          "%d characters (expected: 1 to %d)".formatted(key.length(), MAX_KEY_CHARACTERS));
    }
    boolean mayBeEarly = couldBeIssued(command.suggestionId(), command.receivedAt());
    return switch (store.append(command, eventId, mayBeEarly)) {
      case Appended.Kept kept -> {
        changes.announce();
        tellHistory(command, kept.person());
        yield new Receipt(eventId, false, kept.joined(), false);
      }
      case Appended.Repeated before -> {
        requireSame(command, before.fingerprint());
        yield new Receipt(before.eventId(), true, before.joined(), false);
      }
      case Appended.Waiting waiting -> {
        requireSame(command, waiting.fingerprint());
        yield new Receipt(waiting.eventId(), waiting.repeated(), false, true);
      }
      case Appended.NoSuggestion none -> throw unknown(command.suggestionId());
    };
  }

  private static void requireSame(FeedbackCommand command, String fingerprint) {
    if (!fingerprint.equals(command.fingerprint())) {
      throw Texts.malformed(
          "metadata.idempotency_key",
          "'%s' was used for another event".formatted(command.caller().idempotencyKey()));
    }
  }

  private void tellHistory(FeedbackCommand command, String person) {
    Outcome outcome =
        switch (command.kind()) {
          case ACCEPTED -> Outcome.ACCEPTED;
          case REJECTED -> Outcome.REJECTED;
          case EDITED -> Outcome.EDITED;
          case REACTION, FOLLOW_UP, RATING -> null;
        };
    if (outcome != null && !person.isEmpty()) {
      history.answered(command.caller().tenant(), person, command.suggestionId(), outcome);
    }
  }

  /**
   * Sends records to {@code sink} until there are no more, or with {@code follow} until nobody
   * waits for them.
   */
  public void stream(
      TrainingQuery query, Consumer<TrainingRecord> sink, CallCancellation cancellation) {
    if (query.maxRecords() < 0) {
      throw Texts.malformed(
          "max_records", "%d (expected: at least 0; 0 means all)".formatted(query.maxRecords()));
    }
    AtomicLong position =
        new AtomicLong(
            Cursor.parse(Cursor.Stream.TRAINING_RECORDS, query.afterCursor()).position());
    pages.send(
        limit -> store.read(query.tenant(), position.get(), query.since(), limit),
        query.follow(),
        query.maxRecords(),
        joined -> {
          position.set(joined.position());
          sink.accept(
              new TrainingRecord(
                  new Cursor(Cursor.Stream.TRAINING_RECORDS, joined.position()).text(),
                  joined.eventId(),
                  joined.suggestion(),
                  joined.event()));
        },
        cancellation);
  }

  /**
   * One suggestion and the events on it.
   *
   * @throws MeshException UNKNOWN_RESOURCE if there is none, or it is another tenant's
   */
  public SuggestionHistory suggestion(String tenant, UUID suggestionId) {
    return store.suggestion(tenant, suggestionId).orElseThrow(() -> unknown(suggestionId));
  }

  private static boolean couldBeIssued(UUID id, Instant now) {
    if (!TimeOrderedIds.isTimeOrdered(id)) {
      return false;
    }
    Instant issued = TimeOrderedIds.issuedAt(id);
    return !issued.isAfter(now.plus(CLOCK_SKEW))
        && !issued.isBefore(now.minus(EARLY_FEEDBACK_WINDOW));
  }

  private static MeshException unknown(UUID suggestionId) {
    return new MeshException(
        Fault.UNKNOWN_RESOURCE,
        "no suggestion " + suggestionId,
        Map.of("suggestion_id", suggestionId.toString()));
  }
}
