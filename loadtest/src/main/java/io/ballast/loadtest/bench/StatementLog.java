package io.ballast.loadtest.bench;

import io.ballast.kit.postgres.PostgresAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * How PostgreSQL goes about the statements that a mesh itself sends it, with the values that it
 * sends: {@code auto_explain} writes it to the server's log for as long as this is open. The mesh
 * loses its connections at the beginning and at the end, since settings are read with a new one.
 */
final class StatementLog implements AutoCloseable {
  /** Ends the line after which a plan stands, each of its lines behind a tab. */
  private static final String PLAN = "plan:";

  private static final List<String> SETTINGS =
      List.of(
          "session_preload_libraries = 'auto_explain'",
          "auto_explain.log_min_duration = 0",
          "auto_explain.log_analyze = on",
          "auto_explain.log_timing = off",
          "auto_explain.log_format = 'json'");

  private static final String END_OTHERS =
      """
      select pg_terminate_backend(pid) from pg_stat_activity
      where usename = current_user and backend_type = 'client backend'
        and pid <> pg_backend_pid()""";

  private final PostgresAddress database;
  private final Path log;

  private StatementLog(PostgresAddress database, Path log) {
    this.database = database;
    this.log = log;
  }

  /**
   * Begins to listen.
   *
   * @param database whose user is a superuser
   * @param log of the server
   */
  static StatementLog open(PostgresAddress database, Path log) throws SQLException {
    StatementLog opened = new StatementLog(database, log);
    try {
      opened.execute(
          SETTINGS.stream().map(setting -> "alter role current_user set " + setting).toList());
      return opened;
    } catch (SQLException e) {
      try (opened) {
        throw e; // with what was set taken back
      }
    }
  }

  @Override
  public void close() throws SQLException {
    execute(
        SETTINGS.stream()
            .map(setting -> setting.substring(0, setting.indexOf(' ')))
            .map(setting -> "alter role current_user reset " + setting)
            .toList());
  }

  private void execute(List<String> statements) throws SQLException {
    try (Connection connection = database.connect();
        Statement statement = connection.createStatement()) {
      for (String each : statements) {
        statement.execute(each);
      }
      statement.execute(END_OTHERS);
    }
  }

  /**
   * How PostgreSQL goes about the statements of a call that look into a table of events.
   *
   * @param call to a mesh that does nothing else with events
   * @throws IllegalStateException if there are none
   */
  QueryPlan during(Runnable call) {
    long before = length();
    call.run();
    return plans(read(before)).stream()
        .map(QueryPlan::parse)
        .filter(plan -> plan.tables().stream().anyMatch(StatementLog::isOfEvents))
        .reduce(QueryPlan::and)
        .orElseThrow(() -> new IllegalStateException("no statement about events in " + log));
  }

  private static boolean isOfEvents(String table) {
    return Stream.of("feedback_", "suggestion").anyMatch(table::startsWith);
  }

  /** The plans that stand in lines of a log, as JSON. */
  static List<String> plans(List<String> lines) {
    List<String> plans = new ArrayList<>();
    for (int i = 0; i < lines.size(); i++) {
      if (lines.get(i).endsWith(PLAN)) {
        StringBuilder plan = new StringBuilder();
        while (i + 1 < lines.size() && lines.get(i + 1).startsWith("\t")) {
          plan.append(lines.get(++i)).append('\n');
        }
        plans.add(plan.toString());
      }
    }
    return plans;
  }

  private long length() {
    try {
      return Files.size(log);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private List<String> read(long from) {
    try (InputStream file = Files.newInputStream(log)) {
      file.skipNBytes(from);
      byte[] bytes = file.readAllBytes();
      return new String(bytes, StandardCharsets.UTF_8).lines().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
