package io.ballast.policy.core.feedback;

import java.time.Instant;
import java.util.Optional;

/**
 * Which training records to read.
 *
 * @param tenant whose
 * @param afterCursor the cursor of the last record processed; empty: from the beginning
 * @param follow whether to go on with new records as they come
 * @param maxRecords the most records; 0: no limit
 * @param since only events that arrived then or later, by the server's clock; empty: all
 */
public record TrainingQuery(
    String tenant, String afterCursor, boolean follow, long maxRecords, Optional<Instant> since) {}
