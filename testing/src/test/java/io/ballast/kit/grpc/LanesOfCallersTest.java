package io.ballast.kit.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.Lane;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.mesh.v1.Priority;
import io.ballast.testing.TestCallers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A call travels in the lane that it asks for, but for a trainer's, which is no person's. */
class LanesOfCallersTest {
  @TempDir private Path folder;
  private TestCallers callers;
  private SecuredServer server;

  @BeforeEach
  void serve() {
    callers = new TestCallers(folder);
    server =
        new SecuredServer(
            callers.door(),
            Optional.of(
                new LimitSettings(
                    8,
                    1,
                    16,
                    Duration.ofMillis(100),
                    Duration.ofSeconds(1),
                    Duration.ofSeconds(5))));
  }

  @AfterEach
  void close() {
    server.close();
    callers.close();
  }

  /** The lanes of the calls that the server has under way. */
  private Set<Lane> underWay() {
    Set<Lane> lanes = EnumSet.noneOf(Lane.class);
    for (Lane lane : Lane.values()) {
      double calls =
          server
              .meters
              .get("ballast.limit.inflight")
              .tags("server", "reward", "lane", lane.name().toLowerCase(Locale.ROOT))
              .gauge()
              .value();
      if (calls > 0) {
        lanes.add(lane);
      }
    }
    return lanes;
  }

  @ParameterizedTest
  @CsvSource({
    "trainer, PRIORITY_UNSPECIFIED, TRAINER",
    "trainer, PRIORITY_INTERACTIVE, TRAINER",
    "trainer, PRIORITY_TRAINER, TRAINER",
    "trainer, PRIORITY_BATCH, BATCH",
    "trainer auditor, PRIORITY_UNSPECIFIED, TRAINER",
    "application, PRIORITY_UNSPECIFIED, INTERACTIVE",
    "application, PRIORITY_TRAINER, TRAINER",
    "application trainer, PRIORITY_UNSPECIFIED, INTERACTIVE",
    "operator trainer, PRIORITY_INTERACTIVE, INTERACTIVE",
    "peer, PRIORITY_INTERACTIVE, INTERACTIVE",
    "peer trainer, PRIORITY_INTERACTIVE, INTERACTIVE"
  })
  void atTheEdgeAndInTheQueuesItIsTheSameLane(String roles, Priority asked, Lane lane) {
    AtomicReference<Set<Lane>> seen = new AtomicReference<>(Set.of());
    server.work = () -> seen.set(underWay());
    String token = callers.token("someone", "a", roles.split(" "));
    try (PeerChannel channel = server.peer("127.0.0.1", Optional.of(token), Optional.empty())) {
      var unused = SecuredServer.score(channel, asked);
    }

    assertThat(seen.get()).as("at the edge").containsExactly(lane);
    assertThat(server.asked.get().priority())
        .as("what the queues are told")
        .isEqualTo(MeshMessages.priority(lane));
  }
}
