package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.history.HistoryStore;
import io.ballast.policy.core.history.ShownSuggestion;
import io.ballast.policy.core.history.ShownSuggestion.Outcome;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/** What users were shown, from the logs of suggestions and feedback, by one query. */
public final class PostgresHistoryStore implements HistoryStore {
  private final Database database;

  public PostgresHistoryStore(Database database) {
    this.database = database;
  }

  @Override
  public List<ShownSuggestion> latest(String tenant, String user, int limit) {
    return database
        .jdbi()
        .withHandle(
            handle ->
                handle
                    .createQuery(
                        """
                        select s.suggestion_id, s.decided_at, s.shown_characters,
                          (select e.kind from feedback_event e
                            where e.suggestion_id = s.suggestion_id and e.tenant = s.tenant
                              and e.kind in ('ACCEPTED', 'REJECTED', 'EDITED')
                            order by e.arrival desc limit 1) as outcome
                        from suggestion s
                        where s.tenant = :tenant and s.person = :person and s.person <> ''
                          and s.shown_characters is not null
                        order by s.arrival desc limit :limit""")
                    .bind("tenant", tenant)
                    .bind("person", user)
                    .bind("limit", limit)
                    .map(
                        (row, context) ->
                            new ShownSuggestion(
                                row.getObject("suggestion_id", UUID.class),
                                Objects.requireNonNull(
                                        row.getObject("decided_at", OffsetDateTime.class))
                                    .toInstant(),
                                row.getInt("shown_characters"),
                                Optional.ofNullable(row.getString("outcome"))
                                    .map(Outcome::valueOf)))
                    .list());
  }
}
