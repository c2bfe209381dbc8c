package io.ballast.policy.core.outage;

/** What the operator has chosen for the time in which the database cannot be reached. */
public final class WhenDatabaseDown {
  private WhenDatabaseDown() {}

  /** What becomes of suggestions. */
  public enum Decisions {
    /** Suggestions go on; their records wait on this server's disk. */
    SPOOL,
    /** Suggestions go on; nothing of them is recorded. */
    DROP,
    /** There are none: what cannot be recorded is not answered. */
    REFUSE
  }

  /** What becomes of feedback. */
  public enum Feedback {
    /** It is refused; its sender keeps it. */
    REFUSE,
    /** It waits on this server's disk, and is acknowledged once it is safe there. */
    SPOOL
  }
}
