package io.ballast.policy.testing;

import io.ballast.kit.postgres.Database;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.util.function.Consumer;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.jdbi.v3.core.statement.SqlLogger;
import org.jdbi.v3.core.statement.StatementContext;
import org.postgresql.ds.PGSimpleDataSource;
import org.postgresql.jdbc.PreferQueryMode;

/**
 * A real PostgreSQL, one for all tests of the module. Every test gets its tables empty; two meshes
 * of one test share what is in them.
 */
public final class TestDatabase implements Database {
  private static final String SCHEMA = "policy";
  private static final String OLD = "old";

  private final Jdbi jdbi;
  private final PGSimpleDataSource source;

  private TestDatabase(PGSimpleDataSource source) {
    this.source = source;
    this.jdbi = Jdbi.create(source);
  }

  /** Gives access to a schema of its own, empty, as a version of the migrations made it. */
  public static TestDatabase asOf(String version) {
    PGSimpleDataSource source = Server.source();
    source.setCurrentSchema(OLD);
    TestDatabase database = new TestDatabase(source);
    database.jdbi.useHandle(handle -> handle.execute("drop schema if exists old cascade"));
    migrate(source, OLD, version);
    return database;
  }

  /** Gives access to a schema of its own, empty, as the migrations make it now. */
  public static TestDatabase ofItsOwn() {
    return asOf("latest");
  }

  /**
   * The same schema, which tells {@code plans} how PostgreSQL went about each statement, and reads
   * a table from end to end only where no index helps.
   */
  public static Database explaining(Consumer<String> plans) {
    PGSimpleDataSource source = Server.source();
    source.setCurrentSchema(OLD);
    source.setPreferQueryMode(PreferQueryMode.SIMPLE); // else a plan comes with the next statement
    source.setOptions(
        "-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0"
            + " -c auto_explain.log_analyze=on -c auto_explain.log_timing=off"
            + " -c client_min_messages=log -c enable_seqscan=off");
    Jdbi jdbi = Jdbi.create(source);
    jdbi.setSqlLogger(
        new SqlLogger() {
          @Override
          public void logAfterExecution(StatementContext context) {
            try {
              SQLWarning warning = context.getStatement().getWarnings();
              while (warning != null) {
                plans.accept(warning.getMessage());
                warning = warning.getNextWarning();
              }
            } catch (SQLException e) {
              throw new AssertionError(e);
            }
          }
        });
    return () -> jdbi;
  }

  /** Brings a schema of its own up to date. */
  public void migrate() {
    migrate(source, OLD, "latest");
  }

  private static void migrate(DataSource source, String schema, String version) {
    var unused =
        Flyway.configure()
            .loggers("slf4j")
            .dataSource(source)
            .schemas(schema)
            .locations("classpath:db/" + SCHEMA, "classpath:db/outbox", "classpath:db/audit")
            .target(version)
            .load()
            .migrate();
  }

  /** Gives access to empty tables. */
  public static TestDatabase create() {
    PGSimpleDataSource source = Server.source();
    Jdbi.create(source)
        .useHandle(
            handle -> {
              // triggers that keep records for good sleep: a test begins with none
              handle.execute("set session_replication_role = replica");
              // in the order in which a last look at a user's history locks them
              handle.execute(
                  "truncate suggestion, feedback_event, feedback_key, feedback_refused,"
                      + " policy_alias_move, policy_alias, policy_version, outbox, audit"
                      + " restart identity cascade");
            });
    return new TestDatabase(source);
  }

  @Override
  public Jdbi jdbi() {
    return jdbi;
  }

  private static final class Server {
    private static final EmbeddedPostgres INSTANCE = start();

    private static PGSimpleDataSource source() {
      PGSimpleDataSource source = (PGSimpleDataSource) INSTANCE.getPostgresDatabase();
      source.setCurrentSchema(SCHEMA);
      return source;
    }

    private static EmbeddedPostgres start() {
      try {
        EmbeddedPostgres server = EmbeddedPostgres.builder().start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server)));
        migrate(server.getPostgresDatabase(), SCHEMA, "latest");
        return server;
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private static void stop(EmbeddedPostgres server) {
      try {
        server.close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
