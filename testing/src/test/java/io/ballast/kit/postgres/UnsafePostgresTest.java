package io.ballast.kit.postgres;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.testing.HeardLog;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.logging.Level;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A PostgreSQL of one's own that may lose what it says is committed is named at the start. */
class UnsafePostgresTest {
  @TempDir Path folder;

  @Test
  void whatIsOffIsNamedWithWhatItMeans() throws Exception {
    try (EmbeddedPostgres server =
        EmbeddedPostgres.builder()
            .setDataDirectory(folder.resolve("data"))
            .setServerConfig("fsync", "off")
            .setServerConfig("full_page_writes", "on")
            .setServerConfig("synchronous_commit", "on")
            .start()) {
      String of = "postgres at " + server.getJdbcUrl("postgres", "postgres").split("\\?", 2)[0];

      assertThat(started(server, "fsync"))
          .containsExactly(
              of
                  + ": fsync is off: a crash of its machine can lose or damage anything that it"
                  + " keeps; set it to on");

      try (Connection connection = server.getPostgresDatabase().getConnection();
          Statement statement = connection.createStatement()) {
        boolean unused = statement.execute("alter role postgres set synchronous_commit = off");
      }
      assertThat(started(server, "fsync", "synchronous_commit"))
          .hasSize(2)
          .first()
          .isEqualTo(
              of
                  + ": synchronous_commit is off: a crash loses what was committed in the moments"
                  + " before it, acknowledged events too; set it to on");
    }
  }

  @Test
  void nothingIsSaidOfOneThatKeepsItsWord() {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    try (HeardLog log = HeardLog.of(Postgres.class.getName(), Level.WARNING);
        Postgres postgres =
            Postgres.embedded(
                folder.resolve("own"),
                folder.resolve("own.log"),
                new PostgresSettings(2, Duration.ofSeconds(5)),
                meters)) {
      var unused = postgres.schema("ledger");

      assertThat(log.messages()).isEmpty();
      assertThat(unsafe(meters)).isEmpty();
    }
  }

  /** Starts a service twice over on the server; what it says, after a look at its gauges. */
  private static List<String> started(EmbeddedPostgres server, String... off) {
    SimpleMeterRegistry meters = new SimpleMeterRegistry();
    PostgresAddress address =
        new PostgresAddress(server.getJdbcUrl("postgres", "postgres"), "postgres", "");
    try (HeardLog log = HeardLog.of(Postgres.class.getName(), Level.WARNING);
        Postgres postgres =
            Postgres.at(address, new PostgresSettings(2, Duration.ofSeconds(5)), meters)) {
      var first = postgres.schema("ledger");
      var again = postgres.schema("ledger"); // says nothing more

      assertThat(first).isNotSameAs(again);
      assertThat(unsafe(meters)).containsExactlyInAnyOrder(off);
      return log.messages();
    }
  }

  private static List<String> unsafe(SimpleMeterRegistry meters) {
    return meters.get("ballast.database.unsafe").gauges().stream()
        .filter(each -> each.value() > 0)
        .map(UnsafePostgresTest::setting)
        .toList();
  }

  private static String setting(Gauge gauge) {
    return String.valueOf(gauge.getId().getTag("setting"));
  }
}
