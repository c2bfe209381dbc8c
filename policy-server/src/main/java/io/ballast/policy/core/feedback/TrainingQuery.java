package io.ballast.policy.core.feedback;

/**
 * Which training records to read.
 *
 * @param tenant whose
 * @param afterCursor the cursor of the last record processed; empty: from the beginning
 * @param follow whether to go on with new records as they come
 * @param maxRecords the most records; 0: no limit
 */
public record TrainingQuery(String tenant, String afterCursor, boolean follow, long maxRecords) {}
