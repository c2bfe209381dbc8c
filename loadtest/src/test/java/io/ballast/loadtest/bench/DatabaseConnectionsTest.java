package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** PostgreSQL is asked how many connections a server holds. */
class DatabaseConnectionsTest {
  private static final int MOST = 4;

  @TempDir private Path folder = Path.of("");

  @Test
  void thoseThatAServerHasOpenAreCountedAndNobodyElses() throws SQLException {
    try (Postgres postgres =
        Postgres.embedded(
            folder.resolve("postgres"),
            folder.resolve("postgres.log"),
            new PostgresSettings(MOST, Duration.ofSeconds(30)),
            new SimpleMeterRegistry())) {
      Jdbi safety = postgres.schema("safety").jdbi();
      try (Connection own = postgres.address().connect();
          Handle first = safety.open();
          Handle second = safety.open();
          Handle third = safety.open()) {
        assertThat(DatabaseConnections.bySchema(own).keySet()).containsExactly("safety");
        // its pool may have one at hand beside those three
        assertThat(DatabaseConnections.bySchema(own).getOrDefault("safety", 0)).isBetween(3, MOST);
        assertThat(first).isNotEqualTo(second).isNotEqualTo(third);
      }
    }
  }
}
