package io.ballast.policy.adapter;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.DecidedSuggestion;
import io.ballast.policy.core.suggest.DecisionRow;
import io.ballast.policy.core.suggest.SuggestionLog;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.function.Function;

/**
 * Suggestions in PostgreSQL: one INSERT and one commit each, so that PostgreSQL can flush the
 * commits of concurrent calls together.
 */
public final class PostgresSuggestionLog implements SuggestionLog {
  private final Database database;
  private final Function<DecidedSuggestion, Payload> encoder;
  private final ChangeSignal changes;

  /**
   * @param encoder gives the bytes that are kept
   * @param changes announced after each commit
   */
  public PostgresSuggestionLog(
      Database database, Function<DecidedSuggestion, Payload> encoder, ChangeSignal changes) {
    this.database = database;
    this.encoder = encoder;
    this.changes = changes;
  }

  @Override
  public DecidedSuggestion record(DecidedSuggestion suggestion) {
    insert(DecisionRow.of(suggestion, encoder.apply(suggestion)));
    return suggestion;
  }

  /** Keeps a decision, unless it is there; returns once it is committed. */
  public void insert(DecisionRow row) {
    database
        .jdbi()
        .useHandle(
            handle ->
                handle
                    .createUpdate(
                        """
                        insert into suggestion (suggestion_id, tenant, model, version, decision,
                          reason, decided_at, body, person, shown_characters)
                        values (:id, :tenant, :model, :version, :decision, :reason, :at, :body,
                          :person, :shown)
                        on conflict do nothing""")
                    .bind("id", row.suggestionId())
                    .bind("tenant", row.tenant())
                    .bind("model", row.version().model())
                    .bind("version", row.version().version())
                    .bind("decision", row.decision())
                    .bind("reason", row.reason())
                    .bind("at", OffsetDateTime.ofInstant(row.decidedAt(), ZoneOffset.UTC))
                    .bind("body", row.body().toBytes())
                    .bind("person", row.person())
                    .bind(
                        "shown",
                        row.shownCharacters().isPresent() ? row.shownCharacters().getAsInt() : null)
                    .execute());
    changes.announce();
  }
}
