package io.ballast.policy.testing;

import io.ballast.kit.audit.PostgresAudit;
import io.ballast.kit.call.Caller;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.Lane;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.postgres.Database;
import io.ballast.policy.adapter.PolicyEvents;
import io.ballast.policy.adapter.PostgresDecisionStore;
import io.ballast.policy.adapter.PostgresFeedbackStore;
import io.ballast.policy.adapter.PostgresHistoryStore;
import io.ballast.policy.adapter.PostgresSuggestionLog;
import io.ballast.policy.adapter.PostgresUserData;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.feedback.FeedbackKind;
import io.ballast.policy.core.feedback.FeedbackStore.Appended;
import io.ballast.policy.core.feedback.Payload;
import io.ballast.policy.core.suggest.DecisionRow;
import java.time.Instant;
import java.util.OptionalInt;
import java.util.Random;
import java.util.UUID;

/** The stores of suggestions and events on one database, and what they are given, by its time. */
public final class StoredEvents {
  public static final String TENANT = "tenant";
  public static final String PERSON = "ada";

  public final PostgresSuggestionLog suggestions;
  public final PostgresFeedbackStore events;
  public final PostgresDecisionStore decisions;
  public final PostgresHistoryStore history;
  public final PostgresUserData data;

  private final Random random = new Random(11);

  public StoredEvents(Database database) {
    suggestions =
        new PostgresSuggestionLog(database, _ -> Payload.of(new byte[0]), new ChangeSignal());
    events =
        new PostgresFeedbackStore(
            database,
            new PolicyEvents(
                Outbox.none(), new PolicyEvents.Words(_ -> "", _ -> ""), UUID::randomUUID));
    decisions = new PostgresDecisionStore(database);
    history = new PostgresHistoryStore(database);
    data = new PostgresUserData(database, new PostgresAudit("policy", database));
  }

  /** An id as a server makes it at a time. */
  public synchronized UUID id(Instant time) {
    return new TimeOrderedIds(() -> time, random).next();
  }

  /** Keeps a suggestion that was made and decided at a time. */
  public UUID suggest(Instant time) {
    UUID id = id(time);
    keep(id, time);
    return id;
  }

  /** Keeps a suggestion with this id. */
  public void keep(UUID id, Instant time) {
    keep(id, time, Payload.of(new byte[] {1}));
  }

  /** Keeps a suggestion with this id and these bytes. */
  public void keep(UUID id, Instant time, Payload body) {
    suggestions.insert(
        new DecisionRow(
            id,
            TENANT,
            new PinnedVersion("m", "1", "0".repeat(64)),
            "SHOW",
            "EXPLORED",
            time,
            body,
            PERSON,
            OptionalInt.of(1)));
  }

  /** Tells that a suggestion was accepted. */
  public Appended accept(UUID suggestion, Instant time, String key) {
    return events.append(command(suggestion, time, key), id(time), false);
  }

  /** The same of one that may not be there yet. */
  public Appended acceptEarly(UUID suggestion, Instant time, String key) {
    return events.append(command(suggestion, time, key), id(time), true);
  }

  private static FeedbackCommand command(UUID suggestion, Instant time, String key) {
    return new FeedbackCommand(
        new Caller("request", TENANT, Lane.INTERACTIVE, key),
        suggestion,
        FeedbackKind.ACCEPTED,
        time,
        Payload.of(new byte[] {2}),
        "of " + suggestion);
  }
}
