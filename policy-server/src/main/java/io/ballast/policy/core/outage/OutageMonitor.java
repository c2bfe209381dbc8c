package io.ballast.policy.core.outage;

/** Who watches the database go away and come back. */
public interface OutageMonitor {
  /** The database was there, and is away. */
  void lost(Throwable why);

  /** The database was away, and answers again. */
  void back();

  /** Something waits for the database from now on. */
  void spooled(Spooled record);

  /** A suggestion was answered and not recorded. */
  void dropped();

  /** What had waited is stored. */
  void replayed(Spooled record);

  /** An event that had waited cannot be recorded as feedback, and is kept aside. */
  void refused(Spooled.Feedback event, String why);

  /** What has waited longest cannot be stored, and everything waits for it. */
  void stuck(Spooled record, RuntimeException why);
}
