package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.ballast.kit.call.TimeOrderedIds;
import io.ballast.kit.postgres.Postgres;
import io.ballast.standalone.process.SteadyLoad.Steady;
import io.ballast.testing.Await;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.OffsetDateTime;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The clock of a machine jumps under load, with a mesh and its PostgreSQL on it: a day ahead, two
 * days back, and to the right time. It takes a C compiler, so that the longer lane alone runs it.
 */
class ClockJumpIT {
  private static final Duration DAY = Duration.ofDays(1);

  /** What two clocks that say the same may differ by. */
  private static final Duration NEAR = Duration.ofHours(1);

  /** How many events are acknowledged between one jump and the next. */
  private static final int ACKNOWLEDGED = 10;

  private static final InstantSource CLOCK = InstantSource.system();

  @TempDir private Path folder = Path.of(".");

  @Test
  @Timeout(600)
  void whereverTheClockJumpsNothingIsLostNoNumberIsWrongAndCallsSoonGoAsBefore()
      throws IOException, SQLException {
    JumpingClock clock = JumpingClock.compile(folder);
    Path data = folder.resolve("data");
    List<Duration> recovered = new ArrayList<>();
    try (BuiltMesh mesh = BuiltMesh.start(data, Map.of(), clock.environment())) {
      MeshClients clients = MeshClients.start(mesh, "jumped");
      try (clients) {
        Steady before = clients.load().steady();
        for (Duration ahead : List.of(DAY, DAY.negated(), Duration.ZERO)) {
          int round = clients.load().disturb();
          clock.set(ahead);
          Await.until(() -> suggestedAt(clients.suggesting(), round, ahead) >= ACKNOWLEDGED);
          assertThat(databaseTime(data))
              .isCloseTo(CLOCK.instant().plus(ahead), within(NEAR.toMinutes(), ChronoUnit.MINUTES));
          recovered.add(clients.load().await(before).after());
        }
      }

      clients.check();
      clients.suggesting().assertKeptOnce(mesh.channel());
      assertThat(recovered).allSatisfy(each -> assertThat(each).isLessThan(SteadyLoad.LONGEST));
      clients
          .running()
          .runs()
          .forEach(runId -> RunningClient.assertWentOnToItsEnd(mesh.channel(), runId));
    }
  }

  /**
   * How many events were acknowledged since the last jump on suggestions whose ids have the time
   * that the mesh's clock should say.
   */
  private static long suggestedAt(SuggestingClients clients, int jumps, Duration ahead) {
    Instant now = CLOCK.instant().plus(ahead);
    return clients.acknowledged().entrySet().stream()
        .filter(each -> each.getValue() == jumps)
        .map(each -> TimeOrderedIds.issuedAt(UUID.fromString(each.getKey())))
        .filter(issued -> Duration.between(issued, now).abs().compareTo(NEAR) < 0)
        .count();
  }

  /** What the clock of the mesh's PostgreSQL says. */
  private static Instant databaseTime(Path data) throws SQLException {
    try (Connection connection = Postgres.find(data.resolve("postgres")).orElseThrow().connect();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("select clock_timestamp()")) {
      assertThat(row.next()).isTrue();
      return row.getObject(1, OffsetDateTime.class).toInstant();
    }
  }
}
