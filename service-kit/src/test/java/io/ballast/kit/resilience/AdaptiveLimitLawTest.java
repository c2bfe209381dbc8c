package io.ballast.kit.resilience;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.call.Lane;
import io.ballast.kit.error.Fault;
import io.ballast.kit.error.MeshException;
import io.ballast.kit.resilience.SimulatedServer.Traffic;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a limit owes a server under load, whatever the load: in simulated time. */
class AdaptiveLimitLawTest {
  private static final Duration PATIENCE = Duration.ofMillis(300);
  private static final Duration MINUTE = Duration.ofMinutes(1);

  /** Long enough for a limit to settle, and for thousands of calls after it. */
  private static final int SECONDS = 15;

  private static final Duration WHILE = Duration.ofSeconds(SECONDS);

  /** Eight workers, 20 ms a call: 400 calls a second. */
  private static SimulatedServer server(long seed) {
    return new SimulatedServer(8, Duration.ofMillis(20), seed);
  }

  private static AdaptiveLimit limit(SimulatedServer server) {
    AdaptiveLimit limit =
        new AdaptiveLimit(
            "simulated",
            new LimitSettings(
                256,
                8,
                1_024,
                Duration.ofMillis(100),
                Duration.ofSeconds(1),
                Duration.ofSeconds(5)),
            server::nanoTime,
            new SimpleMeterRegistry());
    server.limitBy(limit);
    return limit;
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void itFindsTheCallsThatKeepTheServerBusyAndWaitNoLongerThanTheyMay(long seed) {
    SimulatedServer server = server(seed);
    AdaptiveLimit limit = limit(server);
    Traffic people = server.callers(Lane.INTERACTIVE, 2 * server.capacity(), Duration.ofHours(1));
    server.warmUp(WHILE);
    double limits = 0;
    for (int second = 0; second < SECONDS; second++) {
      server.measure(Duration.ofSeconds(1));
      limits += limit.limit(Lane.INTERACTIVE) / (double) SECONDS;
    }

    // 8 at work, and by Little's law 400/s × 100 ms = 40 that wait: 48
    assertThat(limits).isBetween(36.0, 54.0);
    assertThat(people.answered() / (double) SECONDS).isGreaterThan(0.95 * server.capacity());
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void atTwiceTheLoadNineTenthsOfTheWorkIsAnsweredInTime(long seed) {
    SimulatedServer saturated = server(seed);
    limit(saturated);
    Traffic once = saturated.callers(Lane.INTERACTIVE, saturated.capacity(), PATIENCE);
    saturated.warmUp(WHILE);
    saturated.measure(WHILE);
    SimulatedServer overloaded = server(seed);
    limit(overloaded);
    Traffic twice = overloaded.callers(Lane.INTERACTIVE, 2 * overloaded.capacity(), PATIENCE);
    overloaded.warmUp(WHILE);
    overloaded.measure(WHILE);
    SimulatedServer unlimited = server(seed);
    Traffic all = unlimited.callers(Lane.INTERACTIVE, 2 * unlimited.capacity(), PATIENCE);
    unlimited.warmUp(WHILE);
    unlimited.measure(WHILE);

    assertThat(twice.answered()).isGreaterThan((int) (0.9 * once.answered()));
    assertThat(all.answered()).as("without a limit").isLessThan((int) (0.7 * once.answered()));
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void longWorkThatDoesNotWaitIsNoSignOfLoad(long seed) {
    SimulatedServer server = new SimulatedServer(64, Duration.ofSeconds(4), seed);
    AdaptiveLimit limit = limit(server);
    Traffic people = server.callers(Lane.INTERACTIVE, 0.5 * server.capacity(), MINUTE);
    server.warmUp(WHILE);
    server.measure(MINUTE.multipliedBy(5));

    assertThat(limit.limit(Lane.INTERACTIVE)).isEqualTo(256);
    assertThat(people.refused()).isZero();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void batchWorkIsShedBeforeAnyPersonAndHasWhatPeopleLeave(long seed) {
    SimulatedServer server = server(seed);
    limit(server);
    double capacity = server.capacity();
    Traffic people = server.callers(Lane.INTERACTIVE, 0.6 * capacity, PATIENCE);
    Traffic batch = server.callers(Lane.BATCH, 1.4 * capacity, MINUTE);
    server.warmUp(WHILE);
    server.measure(WHILE);

    assertThat(people.refused()).isZero();
    assertThat(people.answered()).isGreaterThan((int) (0.99 * people.came()));
    assertThat(batch.refused()).isPositive();
    assertThat(batch.answered() / (double) SECONDS).isGreaterThan(0.8 * 0.4 * capacity);
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3})
  void whileAPersonIsRefusedNobodyElseIsAdmitted(long seed) {
    SimulatedServer server = server(seed);
    AdaptiveLimit limit = limit(server);
    AtomicInteger admitted = new AtomicInteger();
    server.onPersonRefused(
        () -> {
          for (Lane lane : new Lane[] {Lane.TRAINER, Lane.BATCH}) {
            try {
              limit.acquire(lane).end(Optional.empty());
              admitted.incrementAndGet();
            } catch (MeshException e) {
              assertThat(e.fault()).isEqualTo(Fault.OVERLOADED);
            }
          }
        });
    double capacity = server.capacity();
    Traffic people = server.callers(Lane.INTERACTIVE, 1.5 * capacity, PATIENCE);
    Traffic trainers = server.callers(Lane.TRAINER, capacity, Duration.ofSeconds(5));
    Traffic batch = server.callers(Lane.BATCH, capacity, MINUTE);
    server.warmUp(WHILE);
    server.measure(WHILE);

    assertThat(people.refused()).isPositive();
    assertThat(admitted).hasValue(0);
    assertThat(people.answered() / (double) SECONDS).isGreaterThan(0.9 * capacity);
    assertThat(trainers.answered() + batch.answered()).isLessThan((int) (SECONDS * 0.1 * capacity));
  }
}
