package io.ballast.orchestrator.core.learner;

import java.time.Duration;

/**
 * What the learner may take.
 *
 * @param maxSessions open sessions, at least 1
 * @param maxSessionsPerTenant open sessions of one tenant, at least 1
 * @param maxMemoryBytes of all open sessions together, above 0
 * @param memorySharePerTenant how much of {@code maxMemoryBytes} the sessions of one tenant may
 *     take, above 0, at most 1
 * @param maxQueuedOperations waiting in one session, at least 1
 * @param sampleWindow generations of one session under way, at least 1
 * @param idleTimeout a session that nobody used for so long makes room for another
 */
public record LearnerLimits(
    int maxSessions,
    int maxSessionsPerTenant,
    long maxMemoryBytes,
    double memorySharePerTenant,
    int maxQueuedOperations,
    int sampleWindow,
    Duration idleTimeout) {
  /** Returns a copy whose sessions take no more than {@code bytes} together, above 0. */
  public LearnerLimits within(long bytes) {
    return new LearnerLimits(
        maxSessions,
        maxSessionsPerTenant,
        Math.min(maxMemoryBytes, bytes),
        memorySharePerTenant,
        maxQueuedOperations,
        sampleWindow,
        idleTimeout);
  }

  /**
   * What the sessions of {@code tenant} may take together. A limit that is not below that of all is
   * left to that, which then says which property it was.
   */
  SessionBound ofTenant(String tenant) {
    return new SessionBound(
        tenant,
        maxSessionsPerTenant < maxSessions ? maxSessionsPerTenant : Integer.MAX_VALUE,
        memorySharePerTenant < 1 ? (long) (memorySharePerTenant * maxMemoryBytes) : Long.MAX_VALUE);
  }

  /** What all sessions may take together. */
  SessionBound ofAll() {
    return new SessionBound(null, maxSessions, maxMemoryBytes);
  }
}
