package io.ballast.orchestrator.core.run;

/** Where a run stands. */
public enum RunState {
  /** Waiting for its turn. */
  QUEUED,
  /** Iterating. */
  LEARNING,
  /** The safety test is under way. */
  TESTING,
  /** Paused by a person. */
  PAUSED,
  /** Ended: the candidate passed and was promoted. */
  PROMOTED,
  /** Ended: the candidate passed; promotion waits for a person, or is not wanted. */
  HELD,
  /** Ended: No Solution Found. */
  NO_SOLUTION_FOUND,
  /** Ended: passed, but the alias had moved on or the version could not be served. */
  REFUSED,
  /**
   * Ended without a candidate: only the base was within the limits of the watch over its rewards,
   * no update moved the policy, or there was nothing to learn from.
   */
  STOPPED,
  /** Stopped by an error; may be resumed. */
  FAILED,
  /** Ended by a person. */
  CANCELLED;

  /** Whether a worker has it, or will. */
  public boolean active() {
    return switch (this) {
      case QUEUED, LEARNING, TESTING -> true;
      case PAUSED, PROMOTED, HELD, NO_SOLUTION_FOUND, REFUSED, STOPPED, FAILED, CANCELLED -> false;
    };
  }

  /** Whether it is active or paused: neither ended nor failed. */
  public boolean pending() {
    return active() || this == PAUSED;
  }

  /** Whether nothing more will happen by itself, and it cannot be resumed. */
  public boolean ended() {
    return switch (this) {
      case PROMOTED, HELD, NO_SOLUTION_FOUND, REFUSED, STOPPED, CANCELLED -> true;
      case QUEUED, LEARNING, TESTING, PAUSED, FAILED -> false;
    };
  }
}
