package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackStore;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.core.feedback.Payload;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.jdbi.v3.core.Handle;

/**
 * Suggestions and events in PostgreSQL.
 *
 * <p><b>Why an event is kept once.</b> Events are kept by the month of their suggestion ({@link
 * PostgresMonths}), where no index knows all keys. So each key has a row of its own in a table that
 * has no months, inserted with its event by one statement.
 *
 * <p><b>Why the stream has no gaps.</b> A number drawn when an event is inserted would not do:
 * numbers come in the order of drawing, commits in another, so a reader could pass 8 while 7 is
 * still uncommitted and never see it. Here an event gets its position only when somebody reads: one
 * reader at a time (an advisory lock, held to its commit) gives the next positions to whatever
 * joined events are committed by then. So positions become visible in their own order, and whatever
 * is committed later gets a higher one. Writers never wait for each other or for readers; feedback
 * that came before its suggestion is placed at the first reading after the suggestion is there; and
 * no position depends on transaction numbers, so a cursor survives a dump and restore.
 */
public final class PostgresFeedbackStore implements FeedbackStore {
  /** Names the lock among all advisory locks of the database; the number itself means nothing. */
  private static final long PLACING_LOCK = 0x62616c_6c617374L;

  private static final int PLACED_AT_ONCE = 1_000;

  /**
   * The sizes are added up where the texts are kept, so that nothing past the page's end is sent to
   * this process.
   */
  private static final String READ =
      """
      select position, event_id, suggestion, event
      from (
        select position, event_id, suggestion, event,
          sum(octet_length(suggestion) + octet_length(event)) over (
            order by position rows between unbounded preceding and 1 preceding) as bytes_before
        from (
          select e.position, e.event_id, s.body as suggestion, e.body as event
          from feedback_event e
          join suggestion s on s.suggestion_id = e.suggestion_id
          where e.tenant = :tenant and e.position > :position
            and e.received_at >= :since
          order by e.position limit :records) nearest) measured
      where coalesce(bytes_before, 0) < :bytes
      order by position""";

  /** Before anything that is kept. */
  private static final Instant BEGINNING = Instant.parse("0001-01-01T00:00:00Z");

  private final Database database;
  private final PolicyEvents events;

  /**
   * @param events are written with the feedback that they tell of
   */
  public PostgresFeedbackStore(Database database, PolicyEvents events) {
    this.database = database;
    this.events = events;
  }

  @Override
  public Appended append(FeedbackCommand command, UUID eventId, boolean mayBeEarly) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              while (!insert(handle, command, eventId)) {
                Optional<Appended> earlier = earlier(handle, command);
                if (earlier.isPresent()) {
                  return earlier.get();
                } // else it was deleted between the two statements, and its key is free again
              }
              Optional<Owner> owner = ownerOf(handle, command.suggestionId());
              boolean joined = isJoined(owner, command);
              boolean early = owner.isEmpty() && mayBeEarly;
              if (!joined && !early) {
                handle.rollback();
                return new Appended.NoSuggestion();
              }
              events.recorded(handle, command, eventId);
              return new Appended.Kept(joined, joined ? owner.get().person() : "");
            });
  }

  /** Returns whether the event was inserted; waits for a concurrent insert of the same key. */
  private static boolean insert(Handle handle, FeedbackCommand command, UUID eventId) {
    return handle
            .createUpdate(
                """
                with fresh as (
                  insert into feedback_key (tenant, idempotency_key, event_id, suggestion_id,
                    fingerprint)
                  values (:tenant, :key, :id, :suggestion, :fingerprint)
                  on conflict (tenant, idempotency_key) do nothing
                  returning tenant, idempotency_key, event_id, suggestion_id)
                insert into feedback_event (tenant, idempotency_key, event_id, suggestion_id, kind,
                  received_at, body)
                select tenant, idempotency_key, event_id, suggestion_id, :kind, :at, :body
                from fresh""")
            .bind("id", eventId)
            .bind("tenant", command.caller().tenant())
            .bind("key", command.caller().idempotencyKey())
            .bind("fingerprint", command.fingerprint())
            .bind("suggestion", command.suggestionId())
            .bind("kind", command.kind().name())
            .bind("at", OffsetDateTime.ofInstant(command.receivedAt(), ZoneOffset.UTC))
            .bind("body", command.event().toBytes())
            .execute()
        == 1;
  }

  private record Key(UUID eventId, UUID suggestionId, String fingerprint) {}

  private static Optional<Appended> earlier(Handle handle, FeedbackCommand command) {
    return handle
        .createQuery(
            """
            select event_id, suggestion_id, fingerprint from feedback_key
            where tenant = :tenant and idempotency_key = :key""")
        .bind("tenant", command.caller().tenant())
        .bind("key", command.caller().idempotencyKey())
        .map(
            (row, context) ->
                new Key(
                    row.getObject("event_id", UUID.class),
                    row.getObject("suggestion_id", UUID.class),
                    row.getString("fingerprint")))
        .findFirst()
        .map(
            key ->
                new Appended.Repeated(
                    key.eventId(),
                    key.fingerprint(),
                    isJoined(ownerOf(handle, key.suggestionId()), command)));
  }

  private static boolean isJoined(Optional<Owner> owner, FeedbackCommand command) {
    return owner.isPresent() && owner.get().tenant().equals(command.caller().tenant());
  }

  private record Owner(String tenant, String person) {}

  private static Optional<Owner> ownerOf(Handle handle, UUID suggestionId) {
    return handle
        .createQuery("select tenant, person from suggestion where suggestion_id = :id")
        .bind("id", suggestionId)
        .map((row, context) -> new Owner(row.getString("tenant"), row.getString("person")))
        .findFirst();
  }

  @Override
  public List<JoinedRecord> read(
      String tenant, long position, Optional<Instant> since, PageLimit limit) {
    place();
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(READ)
                    .bind("tenant", tenant)
                    .bind("position", position)
                    .bind(
                        "since", OffsetDateTime.ofInstant(since.orElse(BEGINNING), ZoneOffset.UTC))
                    .bind("records", limit.records())
                    .bind("bytes", limit.bytes())
                    .map(
                        (row, context) ->
                            new JoinedRecord(
                                row.getLong("position"),
                                row.getObject("event_id", UUID.class),
                                Payload.of(row.getBytes("suggestion")),
                                Payload.of(row.getBytes("event"))))
                    .list());
  }

  /** Gives positions to the joined events that have none, unless there are none. */
  private void place() {
    while (hasUnplaced()) {
      int placed =
          database
              .jdbi()
              .inTransaction(
                  handle -> {
                    handle.execute("select pg_advisory_xact_lock(?)", PLACING_LOCK);
                    return handle
                        .createUpdate(
                            """
                            with ready as (
                              select e.suggestion_id, e.arrival from feedback_event e
                              join suggestion s
                                on s.suggestion_id = e.suggestion_id and s.tenant = e.tenant
                              where e.position is null
                              order by e.arrival limit :limit),
                            placed as (
                              select suggestion_id, arrival,
                                nextval('training_position') as position
                              from ready)
                            update feedback_event e set position = placed.position
                            from placed
                            where e.suggestion_id = placed.suggestion_id
                              and e.arrival = placed.arrival""")
                        .bind("limit", PLACED_AT_ONCE)
                        .execute();
                  });
      if (placed < PLACED_AT_ONCE) {
        return;
      }
    }
  }

  private boolean hasUnplaced() {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select exists (
                          select 1 from feedback_event e
                          join suggestion s
                            on s.suggestion_id = e.suggestion_id and s.tenant = e.tenant
                          where e.position is null)""")
                    .mapTo(Boolean.class)
                    .one());
  }

  @Override
  public Optional<SuggestionHistory> suggestion(String tenant, UUID suggestionId) {
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              Optional<Payload> suggestion =
                  handle
                      .createQuery(
                          "select body from suggestion where suggestion_id = :id and tenant = :t")
                      .bind("id", suggestionId)
                      .bind("t", tenant)
                      .map((row, context) -> Payload.of(row.getBytes("body")))
                      .findFirst();
              return suggestion.map(
                  body ->
                      new SuggestionHistory(
                          body,
                          handle
                              .createQuery(
                                  """
                                  select body from feedback_event
                                  where suggestion_id = :id and tenant = :t order by arrival""")
                              .bind("id", suggestionId)
                              .bind("t", tenant)
                              .map((row, context) -> Payload.of(row.getBytes("body")))
                              .list()));
            });
  }
}
