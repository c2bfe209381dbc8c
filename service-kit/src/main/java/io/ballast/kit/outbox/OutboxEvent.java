package io.ballast.kit.outbox;

import java.time.Instant;
import java.util.UUID;

/**
 * Something that happened.
 *
 * @param id its own; the same however often it is published
 * @param type what happened, such as {@code io.ballast.run.created}
 * @param subject what it happened to; events of one subject are published in their order
 * @param tenant whose
 * @param time when
 * @param json what is to be told of it
 */
public record OutboxEvent(
    UUID id, String type, String subject, String tenant, Instant time, String json) {}
