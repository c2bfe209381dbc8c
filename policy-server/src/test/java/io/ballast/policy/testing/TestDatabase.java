package io.ballast.policy.testing;

import io.ballast.kit.postgres.Database;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.sql.DataSource;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.postgresql.ds.PGSimpleDataSource;

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
              handle.execute(
                  "truncate feedback_event, feedback_refused, suggestion, policy_alias_move,"
                      + " policy_alias, policy_version, outbox, audit restart identity cascade");
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
