package io.ballast.loadtest.bench;

import io.ballast.kit.postgres.PostgresAddress;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.UUID;

/**
 * How PostgreSQL goes about what the policy-server asks of events, with its planner as it is.
 *
 * @param record of RecordFeedback: its key, and whose its suggestion is
 * @param suggestion of GetSuggestion
 * @param page of StreamTrainingRecords, the first
 * @param since the same, of those since a time
 */
record EventPlans(QueryPlan record, QueryPlan suggestion, QueryPlan page, QueryPlan since) {
  private static final Instant BEGINNING = Instant.parse("0001-01-01T00:00:00Z");

  /** Words of the policy-server's own statements. */
  private static final String KEY =
      """
      select event_id, suggestion_id, fingerprint from feedback_key
      where tenant = 'bench' and idempotency_key = ?""";

  private static final String OWNER =
      "select tenant, person from suggestion where suggestion_id = ?";

  private static final String SUGGESTION =
      "select body from suggestion where suggestion_id = ? and tenant = 'bench'";

  private static final String EVENTS =
      """
      select body from feedback_event
      where suggestion_id = ? and tenant = 'bench' order by arrival""";

  private static final String PAGE =
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
          where e.tenant = 'bench' and e.position > 0
            and e.received_at >= ?
          order by e.position limit ?) nearest) measured
      where coalesce(bytes_before, 0) < 262144
      order by position""";

  /**
   * Has the statements run.
   *
   * @param database where it is; its URL has no properties
   * @param suggestionId of a suggestion of the tenant "bench" that an event joined
   * @param since for the page since a time
   * @param limit of a page
   */
  static EventPlans seen(PostgresAddress database, String suggestionId, Instant since, int limit)
      throws SQLException {
    UUID suggestion = UUID.fromString(suggestionId);
    // the planner is to see the values, as it does the first times that a statement is prepared
    try (Connection connection = simple(database).connect()) {
      connection.setSchema("policy");
      return new EventPlans(
          plan(connection, KEY, key(connection, suggestion))
              .and(plan(connection, OWNER, suggestion)),
          plan(connection, SUGGESTION, suggestion).and(plan(connection, EVENTS, suggestion)),
          plan(connection, PAGE, at(BEGINNING), limit),
          plan(connection, PAGE, at(since), limit));
    }
  }

  private static PostgresAddress simple(PostgresAddress database) {
    return new PostgresAddress(
        database.url() + "?preferQueryMode=simple", database.user(), database.password());
  }

  private static OffsetDateTime at(Instant time) {
    return OffsetDateTime.ofInstant(time, ZoneOffset.UTC);
  }

  private static String key(Connection connection, UUID suggestion) throws SQLException {
    try (PreparedStatement query =
        connection.prepareStatement(
            "select idempotency_key from feedback_event where suggestion_id = ? limit 1")) {
      query.setObject(1, suggestion);
      return first(query);
    }
  }

  private static QueryPlan plan(Connection connection, String statement, Object... values)
      throws SQLException {
    try (PreparedStatement explain =
        connection.prepareStatement("explain (analyze, timing off, format json) " + statement)) {
      for (int i = 0; i < values.length; i++) {
        explain.setObject(i + 1, values[i]);
      }
      return QueryPlan.parse(first(explain));
    }
  }

  private static String first(PreparedStatement query) throws SQLException {
    try (ResultSet rows = query.executeQuery()) {
      if (!rows.next()) {
        throw new IllegalStateException("no answer to " + query);
      }
      return rows.getString(1);
    }
  }

  /**
   * Beside those of fewer events: how many tables and partitions were looked into, and of how many
   * kinds of steps only one of the two plans has one.
   *
   * @param few the plans of then
   * @param events how many there are now
   */
  List<Figure> beside(EventPlans few, long events) {
    return List.of(
        tables("RecordFeedback", record, few.record, events),
        steps(record, few.record),
        tables("GetSuggestion", suggestion, few.suggestion, events),
        steps(suggestion, few.suggestion),
        tables("the first training records", page, few.page, events),
        steps(page, few.page),
        tables("the training records of the last seconds", since, few.since, events),
        steps(since, few.since));
  }

  private static Figure tables(String what, QueryPlan now, QueryPlan then, long events) {
    Pairs.Pair<Double> counts =
        new Pairs.Pair<>((double) now.tables().size(), (double) then.tables().size());
    return Pairs.of(List.of(counts))
        .figure(
            "%s with %,d events: tables and partitions looked into".formatted(what, events),
            "tables",
            new Goal.Reported());
  }

  private static Figure steps(QueryPlan now, QueryPlan then) {
    return Pairs.alone(
        "... kinds of steps that are not in both plans (%s)"
            .formatted(String.join(", ", now.steps().stream().sorted().toList())),
        "kinds",
        List.of((double) now.otherSteps(then).size()),
        new Goal.Reported());
  }
}
