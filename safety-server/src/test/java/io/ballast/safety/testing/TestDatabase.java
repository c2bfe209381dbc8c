package io.ballast.safety.testing;

import io.ballast.kit.postgres.Database;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PostgreSQL, one for all tests of the module. Every test gets its tables empty; two meshes
 * of one test share what is in them.
 */
public final class TestDatabase implements Database {
  private static final String SCHEMA = "safety";

  private final Jdbi jdbi;
  private final PGSimpleDataSource source;
  private final int port;

  private TestDatabase(PGSimpleDataSource source) {
    this.source = source;
    this.port = source.getPortNumbers()[0];
    this.jdbi = Jdbi.create(source);
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
                  "truncate safety_test, look, look_prompt, look_set, safety_test_cost,"
                      + " certificate, certificate_clock, audit cascade");
            });
    TestDatabase database = new TestDatabase(source);
    database.setTime("infinity"); // clocks of tests are not held against the real one
    return database;
  }

  @Override
  public Jdbi jdbi() {
    return jdbi;
  }

  /** Gives access to a schema of its own, empty, as a version of the migrations made it. */
  public static TestDatabase asOf(String version) {
    PGSimpleDataSource source = Server.source();
    source.setCurrentSchema("old");
    TestDatabase database = new TestDatabase(source);
    database.jdbi.useHandle(handle -> handle.execute("drop schema if exists old cascade"));
    database.migrate(version);
    return database;
  }

  /** Brings a schema of its own up to date. */
  public void migrate() {
    migrate("latest");
  }

  /** Brings a schema of its own up to a version. */
  public void migrate(String version) {
    var unused =
        Flyway.configure()
            .loggers("slf4j")
            .dataSource(source)
            .schemas(source.getCurrentSchema())
            .locations("classpath:db/" + SCHEMA, "classpath:db/audit")
            .target(version)
            .load()
            .migrate();
  }

  /** Lets the server's clock say this. */
  public void setTime(String time) {
    jdbi.useHandle(
        handle ->
            handle.execute(
                "create or replace function server_time() returns timestamptz language sql"
                    + " volatile as 'select timestamptz ''%s'''".formatted(time)));
  }

  /** Alters what is on record for good, as someone who may do anything. */
  public void alter(String statement) {
    jdbi.useHandle(
        handle -> {
          handle.execute("set session_replication_role = replica");
          handle.execute(statement);
        });
  }

  /** Makes every new connection fail, as when PostgreSQL is away. */
  public void takeAway() {
    source.setPortNumbers(new int[] {1});
  }

  /** Lets connections through again. */
  public void bringBack() {
    source.setPortNumbers(new int[] {port});
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
        var unused =
            Flyway.configure()
                .loggers("slf4j")
                .dataSource(server.getPostgresDatabase())
                .schemas(SCHEMA)
                .locations("classpath:db/" + SCHEMA, "classpath:db/audit")
                .load()
                .migrate();
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
