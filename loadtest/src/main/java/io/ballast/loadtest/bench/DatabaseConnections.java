package io.ballast.loadtest.bench;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;

/** The connections that servers hold to PostgreSQL, as it counts them itself. */
final class DatabaseConnections {
  /** Each server has a schema of its own, and says its name when it connects. */
  private static final String COUNT =
      """
      select substr(application_name, length('ballast ') + 1), count(*) from pg_stat_activity
      where application_name like 'ballast %' group by 1""";

  private DatabaseConnections() {}

  /** How many there are now, by the schema that they are for. */
  static Map<String, Integer> bySchema(Connection database) throws SQLException {
    try (Statement statement = database.createStatement();
        ResultSet rows = statement.executeQuery(COUNT)) {
      Map<String, Integer> counts = new TreeMap<>();
      while (rows.next()) {
        counts.put(rows.getString(1), rows.getInt(2));
      }
      return counts;
    }
  }
}
