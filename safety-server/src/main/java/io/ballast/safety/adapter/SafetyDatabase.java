package io.ballast.safety.adapter;

import io.ballast.kit.error.MeshException;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.DatabaseFaults;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jdbi.v3.core.Handle;

/** Work on the safety-server's database; that it is away is the one failure with a name. */
final class SafetyDatabase {
  private final Database database;

  SafetyDatabase(Database database) {
    this.database = database;
  }

  /** Time as PostgreSQL's {@code timestamptz} takes it. */
  static OffsetDateTime utc(Instant instant) {
    return OffsetDateTime.ofInstant(instant, ZoneOffset.UTC);
  }

  /** Does work of one statement. */
  <T> T read(Function<Handle, T> work) {
    return guarded(() -> database.jdbi().withHandle(work::apply));
  }

  /** Does work in a transaction. */
  <T> T transact(Function<Handle, T> work) {
    return guarded(() -> database.jdbi().inTransaction(work::apply));
  }

  /** Names the one failure that a caller can wait out; others are bugs and stay what they are. */
  private static <T> T guarded(Supplier<T> work) {
    try {
      return work.get();
    } catch (MeshException e) {
      throw e;
    } catch (RuntimeException e) {
      if (DatabaseFaults.isAway(e)) {
        throw DatabaseFaults.away(e);
      }
      throw e;
    }
  }
}
