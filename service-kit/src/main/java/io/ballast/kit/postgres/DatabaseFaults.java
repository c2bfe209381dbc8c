package io.ballast.kit.postgres;

import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import java.net.ConnectException;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;

/** Tells a database that is away from a statement that is wrong. */
public final class DatabaseFaults {
  /** What a caller is told of a database that is away. */
  public static final String AWAY =
      "the database cannot be reached; it is asked again with the next call";

  private DatabaseFaults() {}

  /** DEPENDENCY_DOWN, which a caller can wait out, because of {@code cause}. */
  public static MeshException away(Throwable cause) {
    return new MeshException(Fault.DEPENDENCY_DOWN, AWAY, cause);
  }

  /** Whether PostgreSQL could not be reached, or is going down or coming up: SQL states 08, 57P. */
  public static boolean isAway(Throwable thrown) {
    boolean sql = false;
    Throwable cause = thrown;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLTransientConnectionException
          || (sql && cause instanceof ConnectException)) {
        return true;
      }
      if (cause instanceof SQLException e) {
        sql = true;
        String state = e.getSQLState();
        if (state != null && (state.startsWith("08") || state.startsWith("57P"))) {
          return true;
        }
      }
      cause = cause.getCause();
    }
    return false;
  }
}
