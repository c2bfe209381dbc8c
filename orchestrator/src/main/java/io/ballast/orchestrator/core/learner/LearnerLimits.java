package io.ballast.orchestrator.core.learner;

import java.time.Duration;

/**
 * What the learner may take.
 *
 * @param maxSessions open sessions, at least 1
 * @param maxMemoryBytes of all open sessions together, above 0
 * @param maxQueuedOperations waiting in one session, at least 1
 * @param sampleWindow generations of one session under way, at least 1
 * @param idleTimeout a session that nobody used for so long makes room for another
 */
public record LearnerLimits(
    int maxSessions,
    long maxMemoryBytes,
    int maxQueuedOperations,
    int sampleWindow,
    Duration idleTimeout) {
  /** Returns a copy whose sessions take no more than {@code bytes} together, above 0. */
  public LearnerLimits within(long bytes) {
    return new LearnerLimits(
        maxSessions,
        Math.min(maxMemoryBytes, bytes),
        maxQueuedOperations,
        sampleWindow,
        idleTimeout);
  }
}
