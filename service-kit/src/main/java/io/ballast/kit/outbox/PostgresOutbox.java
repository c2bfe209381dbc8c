package io.ballast.kit.outbox;

import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;

/**
 * Events in the table {@code outbox} of a service's schema, from the commit in which they happened
 * until a topic has them.
 */
public final class PostgresOutbox implements Outbox {
  /** With the schema's own number it names the lock among all advisory locks of the database. */
  private static final int PUBLISHING_LOCK = 0x6f757462;

  private final Jdbi jdbi;

  /** An outbox in the schema that {@code jdbi} works in. */
  public PostgresOutbox(Jdbi jdbi) {
    this.jdbi = jdbi;
  }

  @Override
  public void add(Handle handle, Supplier<OutboxEvent> event) {
    OutboxEvent added = event.get();
    handle
        .createUpdate(
            """
            insert into outbox (event_id, type, subject, tenant, happened_at, body)
            values (:id, :type, :subject, :tenant, :at, :body)""")
        .bind("id", added.id())
        .bind("type", added.type())
        .bind("subject", added.subject())
        .bind("tenant", added.tenant())
        .bind("at", OffsetDateTime.ofInstant(added.time(), ZoneOffset.UTC))
        .bind("body", added.json())
        .execute();
  }

  /** How many events wait to be published, and how many were refused for good. */
  public record Counts(long waiting, long refused) {}

  /** Counts the events. */
  public Counts counts() {
    return jdbi.withHandle(
        handle ->
            handle
                .createQuery(
                    """
                    select count(*) filter (where refusal is null) as waiting,
                      count(*) filter (where refusal is not null) as refused
                    from outbox""")
                .map((row, _) -> new Counts(row.getLong("waiting"), row.getLong("refused")))
                .one());
  }

  /**
   * What became of a look for events.
   *
   * @param found how many there were to publish, at most as many as were asked for
   * @param refused those that will never be published, and why
   */
  public record Passed(int found, Map<UUID, String> refused) {}

  /**
   * Gives the first events to {@code publish}, in the order of their arrival, and forgets those
   * that it has published. Those that it returns are kept, with the reason, and given to nobody
   * again. While it works, another process's look finds nothing.
   *
   * @param limit the most events, ≥ 1
   * @param publish may throw: then all of them stay
   */
  public Passed passOn(int limit, Function<List<OutboxEvent>, Map<UUID, String>> publish) {
    return jdbi.inTransaction(
        handle -> {
          // Kafka may take its time while this transaction waits for it
          handle.execute("set local idle_in_transaction_session_timeout = 0");
          if (!isMine(handle)) {
            return new Passed(0, Map.of());
          }
          List<OutboxEvent> events = first(handle, limit);
          if (events.isEmpty()) {
            return new Passed(0, Map.of());
          }
          Map<UUID, String> refused = publish.apply(events);
          refused.forEach((id, reason) -> refuse(handle, id, reason));
          delete(handle, events.stream().map(OutboxEvent::id).toList());
          return new Passed(events.size(), refused);
        });
  }

  private static boolean isMine(Handle handle) {
    return handle
        .createQuery("select pg_try_advisory_xact_lock(:lock, hashtext(current_schema()))")
        .bind("lock", PUBLISHING_LOCK)
        .mapTo(Boolean.class)
        .one();
  }

  private static List<OutboxEvent> first(Handle handle, int limit) {
    return handle
        .createQuery(
            """
            select event_id, type, subject, tenant, happened_at, body from outbox
            where refusal is null order by arrival limit :limit""")
        .bind("limit", limit)
        .map(
            (row, _) ->
                new OutboxEvent(
                    row.getObject("event_id", UUID.class),
                    row.getString("type"),
                    row.getString("subject"),
                    row.getString("tenant"),
                    row.getObject("happened_at", OffsetDateTime.class).toInstant(),
                    row.getString("body")))
        .list();
  }

  private static void refuse(Handle handle, UUID id, String reason) {
    handle
        .createUpdate("update outbox set refusal = :reason where event_id = :id")
        .bind("reason", reason)
        .bind("id", id)
        .execute();
  }

  private static void delete(Handle handle, List<UUID> ids) {
    handle
        .createUpdate("delete from outbox where event_id = any(:ids) and refusal is null")
        .bindArray("ids", UUID.class, new ArrayList<>(ids))
        .execute();
  }
}
