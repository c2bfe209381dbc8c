package io.ballast.policy.core.feedback;

import java.time.Duration;
import java.time.Instant;
import java.util.Optional;

/**
 * Which decisions to read.
 *
 * @param tenant whose; empty: everybody's
 * @param afterCursor the cursor of the last decision processed; empty: from the beginning
 * @param follow whether to go on with new decisions as they come
 * @param maxDecisions the most decisions; 0: no limit
 * @param since only what was decided then or later; empty: all
 * @param minAge how long ago a decision must have been taken
 */
public record DecisionQuery(
    Optional<String> tenant,
    String afterCursor,
    boolean follow,
    long maxDecisions,
    Optional<Instant> since,
    Duration minAge) {}
