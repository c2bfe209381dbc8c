package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.DecisionStore;
import io.ballast.policy.core.feedback.PageLimit;
import io.ballast.policy.core.feedback.Payload;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jdbi.v3.core.statement.Query;

/**
 * Decisions in PostgreSQL. They get their positions as training records do ({@link
 * PostgresFeedbackStore} says why), but only as far as somebody reads: a log of millions is not
 * placed by whoever wants its first page. Whoever begins at a time has all of it placed, once, and
 * walks over nothing that is older.
 */
public final class PostgresDecisionStore implements DecisionStore {
  /** Names the lock among all advisory locks of the database; the number itself means nothing. */
  private static final long PLACING_LOCK = 0x62616c_6c617375L;

  private static final int PLACED_AT_ONCE = 1_000;

  /** Before anything that is kept. */
  private static final Instant BEGINNING = Instant.parse("0001-01-01T00:00:00Z");

  /** As the training records: nothing past the page's end is sent to this process. */
  private static final String READ =
      """
      select position, decided_at, suggestion, outcome, latest
      from (
        select position, decided_at, suggestion, outcome, latest,
          sum(octet_length(suggestion) + coalesce(octet_length(outcome), 0)
              + coalesce(octet_length(latest), 0)) over (
            order by position rows between unbounded preceding and 1 preceding) as bytes_before
        from (
          select s.position, s.decided_at, s.body as suggestion,
            (select e.body from feedback_event e
              where e.suggestion_id = s.suggestion_id and e.tenant = s.tenant
                and e.kind in ('ACCEPTED', 'REJECTED', 'EDITED')
              order by e.arrival desc limit 1) as outcome,
            (select e.body from feedback_event e
              where e.suggestion_id = s.suggestion_id and e.tenant = s.tenant
              order by e.arrival desc limit 1) as latest
          from suggestion s
          where s.position > :position and s.decided_at >= :since %s
          order by s.position limit :records) nearest) measured
      where coalesce(bytes_before, 0) < :bytes
      order by position""";

  /** Materialised: else the minimum would be looked for by walking over all positions before it. */
  private static final String FIRST_SINCE =
      """
      with later as materialized (
        select position from suggestion where decided_at >= :since and position is not null)
      select coalesce(min(position), 0) from later""";

  private static final String OF_ALL = READ.formatted("");
  private static final String OF_ONE = READ.formatted("and s.tenant = :tenant");

  private final Database database;

  public PostgresDecisionStore(Database database) {
    this.database = database;
  }

  @Override
  public List<StoredDecision> read(
      Optional<String> tenant, long position, Optional<Instant> since, PageLimit limit) {
    if (position == 0 && since.isPresent()) {
      long first = firstSince(since.get());
      return first == 0 ? List.of() : readPlaced(tenant, first - 1, since, limit);
    }
    List<StoredDecision> page = readPlaced(tenant, position, since, limit);
    while (!isFull(page, limit) && placeSome()) {
      page = readPlaced(tenant, position, since, limit);
    }
    // what another reader placed since this one read
    return isFull(page, limit) ? page : readPlaced(tenant, position, since, limit);
  }

  private static boolean isFull(List<StoredDecision> page, PageLimit limit) {
    return page.size() == limit.records()
        || page.stream().mapToLong(StoredDecision::bytes).sum() >= limit.bytes();
  }

  /** The first position of what was decided then or later; 0: there is none. */
  private long firstSince(Instant since) {
    boolean more = true;
    while (more) {
      more = placeSome();
    }
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(FIRST_SINCE)
                    .bind("since", OffsetDateTime.ofInstant(since, ZoneOffset.UTC))
                    .mapTo(Long.class)
                    .one());
  }

  private List<StoredDecision> readPlaced(
      Optional<String> tenant, long position, Optional<Instant> since, PageLimit limit) {
    return database
        .jdbi()
        .withHandle(
            handle -> {
              Query query = handle.createQuery(tenant.isPresent() ? OF_ONE : OF_ALL);
              tenant.ifPresent(name -> query.bind("tenant", name));
              return query
                  .bind("position", position)
                  .bind("since", OffsetDateTime.ofInstant(since.orElse(BEGINNING), ZoneOffset.UTC))
                  .bind("records", limit.records())
                  .bind("bytes", limit.bytes())
                  .map((row, context) -> decision(row))
                  .list();
            });
  }

  private static StoredDecision decision(ResultSet row) throws SQLException {
    return new StoredDecision(
        row.getLong("position"),
        Objects.requireNonNull(row.getObject("decided_at", OffsetDateTime.class)).toInstant(),
        Payload.of(row.getBytes("suggestion")),
        Optional.ofNullable(row.getBytes("outcome")).map(Payload::of),
        Optional.ofNullable(row.getBytes("latest")).map(Payload::of));
  }

  /** Gives positions to the next decisions that have none; returns whether there were any. */
  private boolean placeSome() {
    boolean any =
        database
            .jdbi()
            .withHandle(
                handle ->
                    handle
                        .createQuery(
                            "select exists (select 1 from suggestion where position is null)")
                        .mapTo(Boolean.class)
                        .one());
    if (!any) {
      return false;
    }
    database
        .jdbi()
        .useTransaction(
            handle -> {
              handle.execute("select pg_advisory_xact_lock(?)", PLACING_LOCK);
              handle
                  .createUpdate(
                      """
                      with ready as (
                        select suggestion_id from suggestion
                        where position is null order by arrival limit :limit),
                      placed as (
                        select suggestion_id, nextval('decision_position') as position from ready)
                      update suggestion s set position = placed.position
                      from placed where s.suggestion_id = placed.suggestion_id""")
                  .bind("limit", PLACED_AT_ONCE)
                  .execute();
            });
    return true;
  }
}
