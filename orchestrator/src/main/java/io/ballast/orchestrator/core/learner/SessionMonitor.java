package io.ballast.orchestrator.core.learner;

import java.time.Duration;

/** Sees what becomes of sessions. What it throws is its own problem's: implementations do not. */
@FunctionalInterface
public interface SessionMonitor {
  /**
   * A session that nobody used for long, and that was closed to make room for another.
   *
   * @param updates done in it, saved or not
   * @param idle for how long nobody had used it
   * @param roomFor the tenant of the other one
   */
  record Eviction(LearnerSession.Identity session, long updates, Duration idle, String roomFor) {
    /** Whether it made room for a session of the same tenant. */
    public boolean ofSameTenant() {
      return session.tenant().equals(roomFor);
    }
  }

  /** A session was closed to make room. */
  void evicted(Eviction eviction);
}
