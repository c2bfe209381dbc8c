package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.net.ConnectException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;

/** Tells a database that is away, or has no room, from a statement that is wrong. */
public final class DatabaseFaults {
  /** What a caller is told of a database that is away. */
  public static final String AWAY =
      "the database cannot be reached; it is asked again with the next call";

  private static final String FULL =
      "the database has no room left on its disk: of this nothing was kept";
  private static final String SHORT =
      "the database has too little memory, or too few connections, for this now";
  private static final String SLOW = "the database ended a statement that took too long";
  private static final String BROKEN = "the database cannot read or write its files";

  /** PostgreSQL gave the connection up, since it heard nothing more of a transaction. */
  private static final String GIVEN_UP = "25P03";

  private DatabaseFaults() {}

  /** DEPENDENCY_DOWN, which a caller can wait out, because of {@code cause}. */
  public static MeshException away(Throwable cause) {
    return new MeshException(Fault.DEPENDENCY_DOWN, why(cause).orElse(AWAY), cause);
  }

  /**
   * Whether PostgreSQL cannot do any work now: could not be reached, is going down or coming up,
   * has no disk, memory or connections left, or was told to end what takes too long: SQL states 08,
   * 57P, 25P03, 57014, 53 and 58.
   */
  public static boolean isAway(Throwable thrown) {
    return why(thrown).isPresent();
  }

  /** What a caller is told; empty if it was not for the database's sake. */
  private static Optional<String> why(Throwable thrown) {
    boolean sql = false;
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLTransientConnectionException
          || (sql && cause instanceof ConnectException)) {
        return Optional.of(AWAY);
      }
      if (cause instanceof SQLException e) {
        sql = true;
        String state = e.getSQLState();
        Optional<String> known = state == null ? Optional.empty() : known(state);
        if (known.isPresent()) {
          return known;
        }
      }
      cause = cause.getCause();
    }
    return Optional.empty();
  }

  private static Optional<String> known(String state) {
    if (state.startsWith("08") || state.startsWith("57P") || state.equals(GIVEN_UP)) {
      return Optional.of(AWAY);
    }
    if (state.equals("53100")) {
      return Optional.of(FULL);
    }
    if (state.startsWith("53")) {
      return Optional.of(SHORT);
    }
    if (state.equals("57014")) {
      return Optional.of(SLOW);
    }
    return state.startsWith("58") ? Optional.of(BROKEN) : Optional.empty();
  }
}
