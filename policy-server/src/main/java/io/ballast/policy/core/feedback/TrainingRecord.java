package io.ballast.policy.core.feedback;

import java.util.UUID;

/**
 * A suggestion joined with one event on it.
 *
 * @param cursor give it back to go on after this record
 */
public record TrainingRecord(String cursor, UUID eventId, Payload suggestion, Payload event) {}
