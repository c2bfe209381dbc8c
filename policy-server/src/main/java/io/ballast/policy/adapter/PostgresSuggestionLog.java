package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.ChangeSignal;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.DecidedSuggestion;
import io.ballast.policy.core.suggest.Decision;
import io.ballast.policy.core.suggest.SuggestAnswer;
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
  public void record(DecidedSuggestion suggestion) {
    SuggestAnswer answer = suggestion.answer();
    Payload body = encoder.apply(suggestion);
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
                          :person, :shown)""")
                    .bind("id", answer.suggestionId())
                    .bind("tenant", suggestion.command().caller().tenant())
                    .bind("model", answer.policyVersion().model())
                    .bind("version", answer.policyVersion().version())
                    .bind("decision", answer.ruling().decision().name())
                    .bind("reason", answer.ruling().reason().name())
                    .bind("at", OffsetDateTime.ofInstant(suggestion.decidedAt(), ZoneOffset.UTC))
                    .bind("body", body.toBytes())
                    .bind("person", suggestion.command().user())
                    .bind(
                        "shown",
                        answer.ruling().decision() == Decision.SHOW ? answer.text().length() : null)
                    .execute());
    changes.announce();
  }
}
