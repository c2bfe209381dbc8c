package io.ballast.policy.core.feedback;

import io.ballast.kit.call.Caller;
import java.time.Instant;
import java.util.UUID;

/**
 * One event to record.
 *
 * @param caller who reports; its idempotency key must not be empty
 * @param suggestionId the suggestion
 * @param kind what happened
 * @param receivedAt when it arrived
 * @param event the event as it is kept, its time filled in
 * @param fingerprint SHA-256 of the event as it was sent, to tell a repetition from another event
 *     under the same key
 */
public record FeedbackCommand(
    Caller caller,
    UUID suggestionId,
    FeedbackKind kind,
    Instant receivedAt,
    Payload event,
    String fingerprint) {}
