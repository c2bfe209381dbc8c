package io.ballast.policy.core.feedback;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.policy.core.feedback.UserDataStore.Deleted;
import io.ballast.policy.core.history.UserHistory;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.IntSupplier;

/** What is kept of people: deleted when they ask, or when it is old. */
public final class UserData {
  /** So many rows go in one transaction, so that others wait for moments only. */
  private static final int BATCH = 500;

  private final UserDataStore store;
  private final UserHistory history;
  private final InstantSource clock;
  private final Optional<Duration> retention;
  private final IntSupplier waiting;

  /**
   * @param history of users in memory, which forgets with the store
   * @param retention how long suggestions and feedback are kept; empty: for ever
   * @param waiting how much has yet to come into the store
   */
  public UserData(
      UserDataStore store,
      UserHistory history,
      InstantSource clock,
      Optional<Duration> retention,
      IntSupplier waiting) {
    this.store = store;
    this.history = history;
    this.clock = clock;
    this.retention = retention;
    this.waiting = waiting;
  }

  /**
   * Deletes what a command names; returns once it is committed.
   *
   * @throws MeshException DEPENDENCY_DOWN while something of this server waits for the store
   */
  public Deleted delete(DeletionCommand command) {
    int yetToCome = waiting.getAsInt();
    if (yetToCome > 0) {
      throw new MeshException(
          Fault.DEPENDENCY_DOWN,
          ("%,d decisions and events wait on the policy-server's disk for the database, and what is"
                  + " deleted now could come back with them: try again when they are in it")
              .formatted(yetToCome));
    }
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
