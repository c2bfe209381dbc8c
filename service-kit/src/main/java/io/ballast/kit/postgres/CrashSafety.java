package io.ballast.kit.postgres;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** A setting of PostgreSQL that must be on, or what it said was committed may be gone. */
enum CrashSafety {
  SYNCHRONOUS_COMMIT(
      "a crash loses what was committed in the moments before it, acknowledged events too"),
  FSYNC("a crash of its machine can lose or damage anything that it keeps"),
  FULL_PAGE_WRITES("a crash of its machine can leave pages that are half old and half new");

  private final String otherwise;

  CrashSafety(String otherwise) {
    this.otherwise = otherwise;
  }

  /** PostgreSQL's name of it. */
  String label() {
    return name().toLowerCase(Locale.ROOT);
  }

  /** What happens where it is off, for a person. */
  String otherwise() {
    return otherwise;
  }

  /** Those that are off for this connection: role and database may have other values. */
  static Set<CrashSafety> off(Connection connection) throws SQLException {
    String names =
        Arrays.stream(values())
            .map(each -> "'" + each.label() + "'")
            .collect(Collectors.joining(", "));
    Set<CrashSafety> off = EnumSet.noneOf(CrashSafety.class);
    try (Statement statement = connection.createStatement();
        ResultSet rows =
            statement.executeQuery(
                "select name from pg_settings where setting = 'off' and name in (" + names + ")")) {
      while (rows.next()) {
        off.add(valueOf(rows.getString(1).toUpperCase(Locale.ROOT)));
      }
    }
    return off;
  }
}
