package io.ballast.orchestrator.testing;

import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.postgres.Database;
import io.ballast.orchestrator.adapter.PostgresRunStore;
import io.ballast.orchestrator.adapter.RunEvents;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Instant;
import java.util.UUID;
import org.flywaydb.core.Flyway;
import org.jdbi.v3.core.Jdbi;
import org.postgresql.ds.PGSimpleDataSource;

/**
 * A real PostgreSQL, one for all tests of the module. Every test gets its tables empty; two
 * orchestrators of one test share what is in them.
 */
public final class TestDatabase implements Database {
  private static final String SCHEMA = "orchestrator";

  private final Jdbi jdbi;
  private final PGSimpleDataSource source;
  private final int port;

  private TestDatabase(PGSimpleDataSource source) {
    this.source = source;
    this.jdbi = Jdbi.create(source);
    this.port = source.getPortNumbers()[0];
  }

  /** Gives access to empty tables. */
  public static TestDatabase create() {
    PGSimpleDataSource source = Server.source();
    Jdbi.create(source)
        .useHandle(
            handle -> {
              // the audit trail is kept for good: a test begins with none
              handle.execute("set session_replication_role = replica");
              handle.execute("truncate run_iteration, run_prompts, run, outbox, audit cascade");
            });
    return new TestDatabase(source);
  }

  @Override
  public Jdbi jdbi() {
    return jdbi;
  }

  /** The store of runs in it, which tells nobody of them. */
  public PostgresRunStore runs() {
    return new PostgresRunStore(
        this,
        new ChangeSignal(),
        new RunEvents(Outbox.none(), (_, _, _) -> "", UUID::randomUUID, Instant::now));
  }

  /** Makes every new connection fail, as when PostgreSQL is away. */
  public void takeAway() {
    source.setPortNumbers(new int[] {1});
  }

  /** Ends what {@link #takeAway} began. */
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
                .locations("classpath:db/" + SCHEMA, "classpath:db/outbox", "classpath:db/audit")
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
