package io.ballast.policy.adapter;

import io.ballast.kit.postgres.Database;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.outage.RefusedFeedback;
import io.ballast.policy.core.outage.Spooled;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;

/** Events that were acknowledged and are no feedback, in a table of their own. */
public final class PostgresRefusedFeedback implements RefusedFeedback {
  private final Database database;

  public PostgresRefusedFeedback(Database database) {
    this.database = database;
  }

  @Override
  public void keep(Spooled.Feedback event, String why) {
    FeedbackCommand command = event.command();
    database
        .jdbi()
        .useHandle(
            handle ->
                handle
                    .createUpdate(
                        """
                        insert into feedback_refused (event_id, tenant, idempotency_key,
                          suggestion_id, kind, received_at, reason, body)
                        values (:id, :tenant, :key, :suggestion, :kind, :at, :reason, :body)
                        on conflict do nothing""")
                    .bind("id", event.eventId())
                    .bind("tenant", command.caller().tenant())
                    .bind("key", command.caller().idempotencyKey())
                    .bind("suggestion", command.suggestionId())
                    .bind("kind", command.kind().name())
                    .bind("at", OffsetDateTime.ofInstant(command.receivedAt(), ZoneOffset.UTC))
                    .bind("reason", why)
                    .bind("body", command.event().toBytes())
                    .execute());
  }
}
