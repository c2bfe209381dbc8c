package io.ballast.policy.adapter;

import io.ballast.kit.audit.Act;
import io.ballast.kit.audit.AuditEntry;
import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.digest.Sha256;
import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.DeletionCommand;
import io.ballast.policy.core.feedback.UserDataStore;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;

/**
 * Deletes suggestions, the feedback on them, and what of that waits to be published. The entry of
 * the audit trail is written in the same transaction: it has numbers, a digest and who asked, and
 * no text.
 */
public final class PostgresUserData implements UserDataStore {
  private final Database database;
  private final PostgresAudit audit;

  public PostgresUserData(Database database, PostgresAudit audit) {
    this.database = database;
    this.audit = audit;
  }

  @Override
  public Deleted delete(DeletionCommand command) {
    String tenant = command.caller().tenant();
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              UUID[] asked = command.suggestionIds().toArray(UUID[]::new);
              List<UUID> suggestions =
                  command.user().isEmpty()
                      ? ids(
                          handle
                              .createQuery(
                                  """
                                  with gone as (
                                    delete from suggestion
                                    where suggestion_id = any(:ids) and tenant = :tenant
                                    returning suggestion_id as id)
                                  select id from gone order by id\
                                  """)
                              .bind("ids", asked)
                              .bind("tenant", tenant))
                      : ids(
                          handle
                              .createQuery(
                                  """
                                  with gone as (
                                    delete from suggestion
                                    where tenant = :tenant and person = :user and person <> ''
                                    returning suggestion_id as id)
                                  select id from gone order by id\
                                  """)
                              .bind("user", command.user())
                              .bind("tenant", tenant));
              // whoever is about to add feedback on them ends first, or finds that they are gone
              handle.execute("lock table feedback_event in share row exclusive mode");
              int events =
                  deleteEvents(
                      handle,
                      tenant,
                      command.user().isEmpty() ? asked : suggestions.toArray(UUID[]::new));
              String digest = digest(suggestions);
              AuditEntry entry =
                  audit.append(
                      handle,
                      new Act(
                          "data.delete",
                          tenant,
                          command.actor(),
                          command.user().isEmpty() ? "suggestions" : "user",
                          command.caller().requestId(),
                          Map.of(
                              "suggestions", Integer.toString(suggestions.size()),
                              "events", Integer.toString(events),
                              "ids_sha256", digest,
                              "reason", command.reason())));
              return new Deleted(
                  suggestions.size(), events, digest, entry.sequence(), entry.sha256());
            });
  }

  @Override
  public int deleteOlder(Instant before, int limit) {
    OffsetDateTime time = OffsetDateTime.ofInstant(before, ZoneOffset.UTC);
    return database
        .jdbi()
        .inTransaction(
            handle -> {
              List<UUID> suggestions =
                  ids(
                      handle
                          .createQuery(
                              """
                              with old as (
                                select suggestion_id from suggestion where decided_at < :before
                                order by decided_at limit :limit for update skip locked),
                              gone as (
                                delete from suggestion s using old
                                where s.suggestion_id = old.suggestion_id
                                returning s.suggestion_id as id)
                              select id from gone order by id\
                              """)
                          .bind("before", time)
                          .bind("limit", limit));
              int events = deleteEvents(handle, suggestions);
              if (suggestions.size() < limit) { // none is left whose feedback goes with it
                events += deleteOrphans(handle, time, limit);
              }
              if (suggestions.isEmpty() && events == 0) {
                return 0;
              }
              var unused =
                  audit.append(
                      handle,
                      new Act(
                          "data.expire",
                          "",
                          "",
                          "suggestions",
                          "",
                          Map.of(
                              "suggestions", Integer.toString(suggestions.size()),
                              "events", Integer.toString(events),
                              "ids_sha256", digest(suggestions),
                              "before", before.toString())));
              return suggestions.size() + events;
            });
  }

  private static int deleteEvents(Handle handle, String tenant, UUID[] suggestions) {
    return publishedNoMore(
        handle,
        ids(
            handle
                .createQuery(
                    """
                    with gone as (
                      delete from feedback_event
                      where suggestion_id = any(:ids) and tenant = :tenant
                      returning event_id as id),
                    refused as (
                      delete from feedback_refused
                      where suggestion_id = any(:ids) and tenant = :tenant
                      returning event_id as id)
                    select id from gone union all select id from refused\
                    """)
                .bind("ids", suggestions)
                .bind("tenant", tenant)));
  }

  private static int deleteEvents(Handle handle, List<UUID> suggestions) {
    return publishedNoMore(
        handle,
        ids(
            handle
                .createQuery(
                    """
                    with gone as (
                      delete from feedback_event where suggestion_id = any(:ids)
                      returning event_id as id),
                    refused as (
                      delete from feedback_refused where suggestion_id = any(:ids)
                      returning event_id as id)
                    select id from gone union all select id from refused\
                    """)
                .bind("ids", suggestions.toArray(UUID[]::new))));
  }

  /** Feedback whose suggestion never came: each is looked for by itself, in its month. */
  private static int deleteOrphans(Handle handle, OffsetDateTime before, int limit) {
    return publishedNoMore(
        handle,
        ids(
            handle
                .createQuery(
                    """
                    with old as (
                      select e.suggestion_id, e.arrival from feedback_event e
                      where e.received_at < :before and not exists (
                        select from suggestion s
                        where s.suggestion_id = e.suggestion_id offset 0)
                      order by e.received_at limit :limit for update skip locked),
                    gone as (
                      delete from feedback_event e using old
                      where e.suggestion_id = old.suggestion_id and e.arrival = old.arrival
                      returning e.event_id as id),
                    refused as (
                      delete from feedback_refused where received_at < :before
                      returning event_id as id)
                    select id from gone union all select id from refused\
                    """)
                .bind("before", before)
                .bind("limit", limit)));
  }

  /** Takes deleted events out of the outbox; returns how many were deleted. */
  private static int publishedNoMore(Handle handle, List<UUID> events) {
    var unused =
        handle
            .createUpdate("delete from outbox where event_id = any(:ids)")
            .bind("ids", events.toArray(UUID[]::new))
            .execute();
    return events.size();
  }

  private static List<UUID> ids(Query query) {
    return query.map((row, _) -> row.getObject("id", UUID.class)).list();
  }

  private static String digest(List<UUID> ids) {
    StringBuilder lines = new StringBuilder();
    ids.forEach(id -> lines.append(id).append('\n'));
    return Sha256.of(lines.toString());
  }
}
