package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.loadtest.bench.FreePorts;
import io.ballast.policy.v1.Degradation;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.TrainingRecord;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import io.ballast.testing.FaultProxy.Down;
import io.grpc.Channel;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Feedback that was acknowledged while the database was away is in it once afterwards, although its
 * server is killed (kill -9) before it can bring it in, and once more in the midst of that.
 */
class SpoolKillIT {
  private static final long SEED = 8;
  private static final int EVENTS = 20;

  /** So many events are brought in before the database makes the server wait. */
  private static final int BEFORE_THE_WAIT = 7;

  private static final String WAITING = "ballast_policy_spool_waiting";

  @TempDir private Path data = Path.of(".");
  private final int port = FreePorts.inARow();
  private final int httpPort = FreePorts.inARow();

  @Test
  @Timeout(240)
  void whatWasAcknowledgedIsThereOnceWheneverTheServerIsKilled() throws SQLException {
    try (Postgres database =
            Postgres.embedded(
                data.resolve("elsewhere"),
                data.resolve("elsewhere.log"),
                PostgresSettings.defaults(),
                new SimpleMeterRegistry());
        FaultProxy network = FaultProxy.to(port(database.address()), SEED)) {
      PostgresAddress address = database.address();
      Map<String, String> acknowledged = new LinkedHashMap<>(); // ids of events, by key
      String before;
      String meanwhile;
      try (BuiltMesh mesh = start(network, address)) {
        before = TestCalls.suggest(mesh.channel(), "int size = list.").getSuggestionId();
        network.apply(new Down());
        meanwhile = TestCalls.suggest(mesh.channel(), "return ").getSuggestionId();
        for (int i = 0; i < EVENTS; i++) {
          String suggestion = i % 2 == 0 ? before : meanwhile;
          acknowledged.put(key(i), spooled(mesh.channel(), suggestion, key(i)));
        }
        mesh.kill();
      }
      assertThat(count(address, "feedback_event")).isZero();
      network.heal();

      try (Connection other = address.connect()) {
        other.setAutoCommit(false);
        use(other, key(BEFORE_THE_WAIT), before);
        try (BuiltMesh mesh = start(network, address)) {
          Await.until(
              () -> count(address, "feedback_event") == BEFORE_THE_WAIT && blocked(address));
          mesh.kill();
        }
        other.rollback();
      }

      try (BuiltMesh mesh = start(network, address)) {
        Await.until(() -> waiting(mesh) == 0);
        assertThat(TestCalls.trainingRecords(mesh.channel()))
            .extracting(TrainingRecord::getEventId)
            .containsExactlyInAnyOrderElementsOf(acknowledged.values());
        assertThat(TestCalls.recorded(mesh.channel(), meanwhile).getEventsList())
            .hasSize(EVENTS / 2);
        assertThat(count(address, "feedback_event")).isEqualTo(EVENTS);
        assertThat(count(address, "feedback_refused")).isZero();
        for (int i = 0; i < EVENTS; i++) {
          RecordFeedbackResponse again =
              TestCalls.accept(mesh.channel(), i % 2 == 0 ? before : meanwhile, key(i));
          assertThat(again.getDuplicate()).isTrue();
          assertThat(again.getEventId()).isEqualTo(acknowledged.get(key(i)));
        }
      }
    }
  }

  private static int port(PostgresAddress address) {
    return Integer.parseInt(address.url().replaceAll(".*:(\\d+)/.*", "$1"));
  }

  /** Starts the mesh on the data and the ports of before, until it answers. */
  private BuiltMesh start(FaultProxy network, PostgresAddress database) {
    return BuiltMesh.launch(
            data,
            port,
            httpPort,
            Map.of(
                "ballast.database.url",
                "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(network.port()),
                "ballast.database.user",
                database.user(),
                "ballast.database.password",
                database.password(),
                "ballast.policy.feedback-on-database-down",
                "SPOOL",
                "ballast.policy.database-patience", // it is killed while it waits for an answer
                "PT25S"))
        .awaitReady();
  }

  private static String key(int event) {
    return "spooled " + event;
  }

  /** Returns the id of an event that was acknowledged, and that the server says is on its disk. */
  private static String spooled(Channel channel, String suggestion, String key) {
    RecordFeedbackResponse answer = TestCalls.accept(channel, suggestion, key);
    assertThat(answer.getDegradationsList())
        .extracting(Degradation::getPeer)
        .containsExactly("database");
    assertThat(answer.getDuplicate()).isFalse();
    return answer.getEventId();
  }

  /** Uses a key, without a commit: whoever uses it next waits. */
  private static void use(Connection connection, String key, String suggestion)
      throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "insert into policy.feedback_key (tenant, idempotency_key, event_id, suggestion_id,"
                + " fingerprint) values (?, ?, ?, ?, 'of nobody')")) {
      insert.setString(1, TestCalls.metadata().getTenant());
      insert.setString(2, key);
      insert.setObject(3, UUID.nameUUIDFromBytes(new byte[] {1}));
      insert.setObject(4, UUID.fromString(suggestion));
      assertThat(insert.executeUpdate()).isEqualTo(1);
    }
  }

  /** Whether somebody waits for what another has not committed. */
  private static boolean blocked(PostgresAddress address) {
    return ask(
            address,
            "select count(*) from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0")
        > 0;
  }

  private static long count(PostgresAddress address, String table) {
    return ask(address, "select count(*) from policy." + table);
  }

  private static long ask(PostgresAddress address, String query) {
    try (Connection connection = address.connect();
        Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      assertThat(rows.next()).isTrue();
      return rows.getLong(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  /** How much waits on the server's disk. */
  private static double waiting(BuiltMesh mesh) {
    List<Double> said =
        mesh.http("/q/metrics")
            .lines()
            .filter(line -> line.startsWith(WAITING))
            .map(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
            .toList();
    assertThat(said).hasSize(1);
    return said.getFirst();
  }
}
