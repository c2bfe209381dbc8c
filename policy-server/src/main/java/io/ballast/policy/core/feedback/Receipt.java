package io.ballast.policy.core.feedback;

import java.util.UUID;

/**
 * What became of an event.
 *
 * @param eventId its id; the same for a repetition
 * @param duplicate whether its key had been recorded before
 * @param joined whether its suggestion is there
 */
public record Receipt(UUID eventId, boolean duplicate, boolean joined) {}
