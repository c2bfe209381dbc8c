package io.ballast.policy.adapter;

import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.policy.core.feedback.FeedbackCommand;
import io.ballast.policy.core.version.Alias;
import java.util.UUID;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/**
 * Tells others of feedback and of moves of aliases, each event in the transaction that stores what
 * it tells.
 */
public final class PolicyEvents {
  private final Outbox outbox;
  private final Words words;
  private final Supplier<UUID> ids;

  /**
   * What is told, as JSON.
   *
   * @param feedback of an event on a suggestion
   * @param alias of an alias and its latest move
   */
  public record Words(Function<FeedbackCommand, String> feedback, Function<Alias, String> alias) {}

  /**
   * Writes to {@code outbox}.
   *
   * @param ids never gives one twice
   */
  public PolicyEvents(Outbox outbox, Words words, Supplier<UUID> ids) {
    this.outbox = outbox;
    this.words = words;
    this.ids = ids;
  }

  /** Of feedback that is kept as {@code eventId}, which is this event's id too. */
  void recorded(Handle handle, FeedbackCommand command, UUID eventId) {
    outbox.add(
        handle,
        () ->
            new OutboxEvent(
                eventId,
                "io.ballast.feedback.recorded",
                command.suggestionId().toString(),
                command.caller().tenant(),
                command.receivedAt(),
                words.feedback().apply(command)));
  }

  /**
   * Of the latest move of {@code alias}.
   *
   * @param tenant who moved it; empty: the server
   */
  void moved(Handle handle, Alias alias, String tenant) {
    outbox.add(
        handle,
        () ->
            new OutboxEvent(
                ids.get(),
                "io.ballast.alias." + alias.moves().getFirst().kind().label(),
                alias.model() + "/" + alias.name(),
                tenant,
                alias.moves().getFirst().movedAt(),
                words.alias().apply(alias)));
  }
}
