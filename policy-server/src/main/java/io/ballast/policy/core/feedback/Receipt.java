package io.ballast.policy.core.feedback;

import java.util.UUID;

/**
 * What became of an event.
 *
 * @param eventId its id; the same for a repetition
 * @param duplicate whether its key had been recorded before
 * @param joined whether its suggestion is there
 * @param waiting whether it waits on disk for a database that is away
 */
public record Receipt(UUID eventId, boolean duplicate, boolean joined, boolean waiting) {}
