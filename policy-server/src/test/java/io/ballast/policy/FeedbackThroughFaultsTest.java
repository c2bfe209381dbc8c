package io.ballast.policy;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.outbox.OutboxEvent;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresAddress;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.policy.core.outage.WhenDatabaseDown;
import io.ballast.policy.testing.TestMesh;
import io.ballast.policy.v1.Accepted;
import io.ballast.policy.v1.FeedbackEvent;
import io.ballast.policy.v1.RecordFeedbackRequest;
import io.ballast.policy.v1.RecordFeedbackResponse;
import io.ballast.policy.v1.StreamTrainingRecordsRequest;
import io.ballast.testing.Await;
import io.ballast.testing.FaultProxy;
import io.ballast.testing.FaultProxy.Cut;
import io.ballast.testing.FaultProxy.Down;
import io.ballast.testing.FaultProxy.Silence;
import io.ballast.testing.FaultProxy.Stall;
import io.ballast.testing.FaultProxy.Toxic;
import io.ballast.testing.FaultProxy.Trickle;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Feedback on its way through a bad network into a real PostgreSQL. Whatever the fault, an event
 * that its sender repeats with its key until it is acknowledged is there once, under the id that
 * was acknowledged, and others are told of it once.
 */
@Timeout(120)
class FeedbackThroughFaultsTest {
  private static final long SEED = 11;
  private static final int SENDERS = 4;
  private static final Duration CONNECT = Duration.ofSeconds(1);
  private static final Duration ANSWER = Duration.ofMillis(600);

  /** In bytes; less than half of what PostgreSQL says of a commit, so that some cut is in it. */
  private static final int STEP = 9;

  @TempDir static Path shared;
  private static Postgres server;
  private static Database straight;

  @TempDir Path folder;

  /** An event that was acknowledged, or is in the database. */
  private record Event(String key, String id) {}

  @BeforeAll
  static void startPostgres() {
    server =
        Postgres.embedded(
            shared.resolve("postgres"),
            shared.resolve("postgres.log"),
            new PostgresSettings(1, CONNECT),
            new SimpleMeterRegistry());
    straight = server.schema("policy");
  }

  @AfterAll
  static void stopPostgres() {
    server.close();
  }

  static Stream<Arguments> faults() {
    return Stream.of(new Silence(), new Stall(), new Trickle(20), new Cut(5), new Down())
        .flatMap(
            toxic ->
                Stream.of(WhenDatabaseDown.Feedback.values())
                    .map(choice -> Arguments.of(toxic, choice)));
  }

  @ParameterizedTest
  @MethodSource("faults")
  void whatIsUnderWayWhenAFaultBeginsIsThereOnceAfterwards(
      Toxic toxic, WhenDatabaseDown.Feedback choice) throws Exception {
    Queue<Event> acknowledged = new ConcurrentLinkedQueue<>();
    AtomicBoolean sending = new AtomicBoolean(true);
    try (Started started = new Started(SENDERS, choice, folder);
        ExecutorService executor = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> senders = new ArrayList<>();
      try {
        for (int i = 0; i < SENDERS; i++) {
          String name = "sender " + i;
          senders.add(executor.submit(() -> started.send(name, acknowledged, sending)));
        }
        Await.until(() -> acknowledged.size() >= 2 * SENDERS);
        started.proxy.apply(toxic);
        Await.until(() -> started.disturbed.get() >= SENDERS);
        started.proxy.heal();
        int until = acknowledged.size() + 2 * SENDERS;
        Await.until(() -> acknowledged.size() >= until);
      } finally {
        sending.set(false);
        started.proxy.heal();
      }
      for (Future<?> sender : senders) {
        var unused = sender.get();
      }
      started.bringIn();

      started.assertEachIsThereOnce(acknowledged);
    }
  }

  /** The answers are cut ever later, until a cut comes too late for the one event under way. */
  @ParameterizedTest
  @EnumSource
  void aCommitWhoseAnswerIsCutIsOneEvent(WhenDatabaseDown.Feedback choice) {
    List<Event> acknowledged = new ArrayList<>();
    try (Started started = new Started(1, choice, folder)) {
      int unheard = 0;
      boolean cut = true;
      for (int after = 1; cut; after += STEP) {
        String key = "cut after " + after;
        int before = started.disturbed.get();
        started.proxy.apply(new Cut(after));
        Optional<RecordFeedbackResponse> heard = started.attempt(key);
        started.proxy.heal();
        cut = started.disturbed.get() > before;
        if (cut && started.stored().stream().anyMatch(event -> event.key().equals(key))) {
          unheard++;
        }
        RecordFeedbackResponse answer = started.insist(key);
        heard.ifPresent(
            first -> {
              assertThat(answer.getEventId()).isEqualTo(first.getEventId());
              assertThat(answer.getDuplicate()).isTrue();
            });
        acknowledged.add(new Event(key, answer.getEventId()));
        started.bringIn();
      }

      assertThat(unheard).as("commits of which the server did not hear").isPositive();
      started.assertEachIsThereOnce(acknowledged);
    }
  }

  /** A policy-server whose database is behind a proxy, and a suggestion that it has made. */
  private static final class Started implements AutoCloseable {
    private final FaultProxy proxy;
    private final Postgres postgres;
    private final TestMesh mesh;
    private final String suggestion;
    private final AtomicInteger disturbed = new AtomicInteger(); // calls

    Started(int connections, WhenDatabaseDown.Feedback choice, Path folder) {
      straight // each mesh draws the same ids
          .jdbi()
          .useHandle(h -> h.execute("truncate suggestion, feedback_event, feedback_key, outbox"));
      proxy =
          FaultProxy.to(
              Integer.parseInt(server.address().url().replaceAll(".*:(\\d+)/.*", "$1")), SEED);
      postgres =
          Postgres.at(
              new PostgresAddress(
                  "jdbc:postgresql://127.0.0.1:%d/postgres".formatted(proxy.port()),
                  server.address().user(),
                  server.address().password()),
              new PostgresSettings(connections, CONNECT, ANSWER),
              new SimpleMeterRegistry());
      mesh =
          TestMesh.startOn(
              postgres.schema("policy"),
              Map.of("ballast.policy.feedback-on-database-down", choice.name()),
              folder);
      suggestion = mesh.suggest("before").getSuggestionId();
      bringIn(); // should a busy machine have kept the database's answer for too long
    }

    @Override
    public void close() {
      proxy.heal();
      mesh.close();
      postgres.close();
      proxy.close();
    }

    /** Sends one event after the other, each until it is acknowledged. */
    void send(String name, Queue<Event> acknowledged, AtomicBoolean sending) {
      for (int i = 0; sending.get(); i++) {
        String key = name + " " + i;
        acknowledged.add(new Event(key, insist(key).getEventId()));
      }
    }

    RecordFeedbackResponse insist(String key) {
      Optional<RecordFeedbackResponse> answer = attempt(key);
      while (answer.isEmpty()) {
        answer = attempt(key);
      }
      return answer.get();
    }

    /** Records the event of this key; empty if the sender is told to try again. */
    Optional<RecordFeedbackResponse> attempt(String key) {
      try {
        RecordFeedbackResponse answer =
            mesh.feedback()
                .recordFeedback(
                    RecordFeedbackRequest.newBuilder()
                        .setMetadata(TestMesh.metadata("", key))
                        .setEvent(
                            FeedbackEvent.newBuilder()
                                .setSuggestionId(suggestion)
                                .setAccepted(Accepted.getDefaultInstance()))
                        .build());
        if (answer.getDegradationsCount() > 0) {
          disturbed.incrementAndGet();
        }
        return Optional.of(answer);
      } catch (StatusRuntimeException e) {
        assertThat(e.getStatus().getCode()).as("%s", e).isEqualTo(Status.Code.UNAVAILABLE);
        disturbed.incrementAndGet();
        return Optional.empty();
      }
    }

    /** Looks, as a process does each second, until nothing waits on the disk. */
    void bringIn() {
      Await.until(
          () -> {
            mesh.server.replay();
            return gauge("spool.waiting") == 0 && gauge("database.away") == 0;
          });
    }

    private double gauge(String name) {
      return mesh.meters.get("ballast.policy." + name).gauge().value();
    }

    void assertEachIsThereOnce(Collection<Event> acknowledged) {
      List<String> ids = acknowledged.stream().map(Event::id).toList();
      assertThat(stored()).containsExactlyInAnyOrderElementsOf(acknowledged);
      assertThat(trained()).containsExactlyInAnyOrderElementsOf(ids);
      assertThat(told()).containsExactlyInAnyOrderElementsOf(ids);
    }

    /** The events, as the database has them. */
    List<Event> stored() {
      return straight
          .jdbi()
          .withHandle(
              handle ->
                  handle
                      .createQuery("select idempotency_key, event_id::text from feedback_event")
                      .map((row, context) -> new Event(row.getString(1), row.getString(2)))
                      .list());
    }

    /** The events, as a trainer reads them. */
    private List<String> trained() {
      List<String> events = new ArrayList<>();
      mesh.feedback()
          .streamTrainingRecords(StreamTrainingRecordsRequest.getDefaultInstance())
          .forEachRemaining(answer -> events.add(answer.getRecord().getEventId()));
      return events;
    }

    /** The events that others are told of. */
    private List<String> told() {
      List<String> events = new ArrayList<>();
      for (List<OutboxEvent> some = mesh.told(); !some.isEmpty(); some = mesh.told()) {
        some.stream()
            .filter(event -> event.type().equals("io.ballast.feedback.recorded"))
            .forEach(event -> events.add(event.id().toString()));
      }
      return events;
    }
  }
}
