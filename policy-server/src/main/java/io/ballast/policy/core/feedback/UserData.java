package io.ballast.policy.core.feedback;

import io.ballast.policy.core.feedback.UserDataStore.Deleted;
import io.ballast.policy.core.history.UserHistory;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;

/** What is kept of people: deleted when they ask, or when it is old. */
public final class UserData {
  /** So many rows go in one transaction, so that others wait for moments only. */
  private static final int BATCH = 500;

  private final UserDataStore store;
  private final UserHistory history;
  private final InstantSource clock;
  private final Optional<Duration> retention;

  /**
   * @param history of users in memory, which forgets with the store
   * @param retention how long suggestions and feedback are kept; empty: for ever
   */
  public UserData(
      UserDataStore store, UserHistory history, InstantSource clock, Optional<Duration> retention) {
    this.store = store;
    this.history = history;
    this.clock = clock;
    this.retention = retention;
  }

  /** Deletes what a command names; returns once it is committed. */
  public Deleted delete(DeletionCommand command) {
    Deleted deleted = store.delete(command);
    if (command.user().isEmpty()) {
      history.forgetAll();
    } else {
      history.forget(command.caller().tenant(), command.user());
    }
    return deleted;
  }

  /** Deletes whatever is older than it is kept; returns how much that was. */
  public int deleteOld() {
    if (retention.isEmpty()) {
      return 0;
    }
    int all = 0;
    int batch;
    do {
      batch = store.deleteOlder(clock.instant().minus(retention.get()), BATCH);
      all += batch;
    } while (batch > 0 && !Thread.currentThread().isInterrupted());
    return all;
  }
}
