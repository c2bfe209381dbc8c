package io.ballast.policy.core.feedback;

import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/** Where suggestions and events are kept. */
public interface FeedbackStore {
  /**
   * Keeps one event in one transaction; returns once it is committed.
   *
   * @param eventId the event's id, if it is new
   * @param mayBeEarly whether the event is kept although its suggestion is not there yet
   */
  Appended append(FeedbackCommand command, UUID eventId, boolean mayBeEarly);

  /**
   * Returns joined records of {@code tenant} after {@code position}, in the order of their
   * positions. Whatever comes later has a higher position than everything returned.
   *
   * @param since only events that arrived then or later; empty: all
   * @param limit the most that is read
   */
  List<JoinedRecord> read(String tenant, long position, Optional<Instant> since, PageLimit limit);

  /** Returns one suggestion of {@code tenant} and the events on it, in the order they came. */
  Optional<SuggestionHistory> suggestion(String tenant, UUID suggestionId);

  /** What an append came to. */
  sealed interface Appended {
    /**
     * The event is kept.
     *
     * @param person whose the suggestion is; empty: nobody's in particular, or it is not there yet
     */
    record Kept(boolean joined, String person) implements Appended {}

    /** An event with this key is there. */
    record Repeated(UUID eventId, String fingerprint, boolean joined) implements Appended {}

    /**
     * The database is away, and the event waits on disk; whether it repeats one of before, and
     * whether there is such a suggestion, will be seen when the database is back.
     *
     * @param eventId of what waits under the key
     * @param repeated whether that was there already
     */
    record Waiting(UUID eventId, String fingerprint, boolean repeated) implements Appended {}

    /** There is no such suggestion, or it is another tenant's; nothing was kept. */
    record NoSuggestion() implements Appended {}
  }

  /** A suggestion joined with one event on it. */
  record JoinedRecord(long position, UUID eventId, Payload suggestion, Payload event) {}

  /** A suggestion with the events on it. */
  record SuggestionHistory(Payload suggestion, List<Payload> events) {
    public SuggestionHistory {
      events = List.copyOf(events);
    }
  }
}
