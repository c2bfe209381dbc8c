package io.ballast.loadtest.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real server tells how it went about what others asked of it. */
class StatementLogTest {
  @TempDir private Path folder = Path.of(".");

  @Test
  void aPlanIsWhatStandsBehindTabs() {
    assertThat(
            StatementLog.plans(
                List.of(
                    "2026-11-30 [1] LOG:  duration: 0.1 ms  plan:",
                    "\t{",
                    "\t  \"Plan\": 1",
                    "\t}",
                    "2026-11-30 [1] LOG:  checkpoint starting: plan",
                    "\tits detail",
                    "2026-11-30 [1] LOG:  duration: 0.1 ms  plan:",
                    "\t{}")))
        .containsExactly("\t{\n\t  \"Plan\": 1\n\t}\n", "\t{}\n");
  }

  @Test
  void statementsOfOthersAreHeardWhileItIsOpen() throws SQLException {
    Path log = folder.resolve("postgres.log");
    try (Postgres postgres =
        Postgres.embedded(
            folder.resolve("postgres"),
            log,
            new PostgresSettings(2, Duration.ofSeconds(5)),
            new SimpleMeterRegistry())) {
      run(postgres, "create table suggestion (suggestion_id int primary key)");
      run(postgres, "create table other (id int)");
      try (StatementLog heard = StatementLog.open(postgres.address(), log)) {
        QueryPlan plan =
            heard.during(
                () -> {
                  run(postgres, "select * from other");
                  run(postgres, "select * from suggestion");
                });
        assertThat(plan.tables()).containsExactly("suggestion");
        assertThat(plan.steps()).containsExactly("Seq Scan");
        assertThatThrownBy(() -> heard.during(() -> run(postgres, "select * from other")))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("no statement about events");
        heard.close();
        assertThatThrownBy(() -> heard.during(() -> run(postgres, "select * from suggestion")))
            .isInstanceOf(IllegalStateException.class);
      }
    }
  }

  private static void run(Postgres postgres, String statement) {
    try (Connection connection = postgres.address().connect();
        Statement made = connection.createStatement()) {
      made.execute(statement);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
