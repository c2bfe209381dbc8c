package io.ballast.testing;

import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.kit.postgres.PostgresSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jdbi.v3.core.Jdbi;

/** A PostgreSQL of a test's own, pooled as in production, which can go away under its users. */
public final class StoppablePostgres implements Database, AutoCloseable {
  private static final Duration WAIT = Duration.ofMillis(500);
  private static final Duration LONGEST_STOP = Duration.ofSeconds(20);

  private final Path data;
  private final Postgres postgres;
  private final Database database;

  /**
   * Starts one, with one service's schema.
   *
   * @param folder an empty folder
   * @param schema the service's, migrated from {@code classpath:db/<schema>}
   */
  public StoppablePostgres(Path folder, String schema) {
    data = folder.resolve("postgres").resolve("data");
    postgres =
        Postgres.embedded(
            folder.resolve("postgres"),
            folder.resolve("postgres.log"),
            new PostgresSettings(4, WAIT),
            new SimpleMeterRegistry());
    database = postgres.schema(schema);
  }

  @Override
  public Jdbi jdbi() {
    return database.jdbi();
  }

  /** Stops the server as a crash of its machine would, and waits until it is gone. */
  public void stop() throws Exception {
    Path file = data.resolve("postmaster.pid");
    String pid = Files.readAllLines(file).getFirst().strip();
    var exit = ProcessHandle.of(Long.parseLong(pid)).orElseThrow().onExit();
    var unused = new ProcessBuilder("kill", "-QUIT", pid).start().waitFor();
    long end = System.nanoTime() + LONGEST_STOP.toNanos();
    while (!exit.isDone() && Files.exists(file)) { // to delete it is the last that it does
      try {
        exit.get(20, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
      }
    }
  }

  /** Starts it again, where it was and with what it held. */
  public void startAgain() {
    PostgresAddress address = postgres.address();
    try {
      Files.deleteIfExists(
          data.resolve("epg-lock")); // the library's own, of the server that is gone
      var unused =
          EmbeddedPostgres.builder()
              .setDataDirectory(data)
              .setCleanDataDirectory(false)
              .setPort(Integer.parseInt(address.url().replaceAll(".*:(\\d+)/.*", "$1")))
              .setRegisterShutdownHook(false)
              .setConnectConfig("password", address.password())
              .start();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    postgres.close();
  }
}
