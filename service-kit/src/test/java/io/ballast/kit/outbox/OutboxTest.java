package io.ballast.kit.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import java.util.stream.IntStream;
import org.jdbi.v3.core.Jdbi;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a real PostgreSQL: what is committed is published, in its order, and nothing else is. */
class OutboxTest {
  @TempDir static Path folder;
  private static Postgres postgres;

  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private final ListTopic topic = new ListTopic();
  private Jdbi jdbi;
  private PostgresOutbox outbox;
  private OutboxRelay relay;

  /** Keeps what is published. */
  private static final class ListTopic implements EventTopic {
    private final List<String> published = new CopyOnWriteArrayList<>();
    private volatile Function<OutboxEvent, String> verdict = event -> "";

    @Override
    public Map<UUID, String> publish(List<OutboxEvent> events) {
      Map<UUID, String> refused = new HashMap<>();
      for (OutboxEvent event : events) {
        String reason = verdict.apply(event);
        if (reason.isEmpty()) {
          published.add(event.json());
        } else {
          refused.put(event.id(), reason);
        }
      }
      return refused;
    }

    @Override
    public void close() {}
  }

  @BeforeAll
  static void startPostgres() {
    postgres =
        Postgres.embedded(
            folder.resolve("postgres"),
            folder.resolve("postgres.log"),
            new PostgresSettings(4, Duration.ofSeconds(5)),
            new SimpleMeterRegistry());
  }

  @AfterAll
  static void stopPostgres() {
    postgres.close();
  }

  @BeforeEach
  void open() {
    jdbi = postgres.schema("shelf").jdbi();
    jdbi.useHandle(handle -> handle.execute("truncate outbox"));
    outbox = new PostgresOutbox(jdbi);
    relay = new OutboxRelay("shelf", outbox, topic, meters);
  }

  @AfterEach
  void close() {
    relay.close();
  }

  private static OutboxEvent event(String json) {
    return new OutboxEvent(UUID.randomUUID(), "book.read", "Middlemarch", "t", Instant.EPOCH, json);
  }

  private void happens(String json) {
    jdbi.useTransaction(handle -> outbox.add(handle, () -> event(json)));
  }

  private double gauge(String name) {
    return meters.get("ballast.events." + name).tag("service", "shelf").gauge().value();
  }

  @Test
  void whatIsCommittedIsPublishedOnceInItsOrder() {
    List<String> all = IntStream.range(0, 600).mapToObj(Integer::toString).toList();
    all.forEach(this::happens);

    relay.relayAll();
    relay.relayAll();

    assertThat(topic.published).isEqualTo(all);
    assertThat(outbox.counts()).isEqualTo(new PostgresOutbox.Counts(0, 0));
    assertThat(meters.get("ballast.events.published").counter().count()).isEqualTo(600);
  }

  @Test
  void whatIsRolledBackIsToldToNobody() {
    assertThatThrownBy(
            () ->
                jdbi.useTransaction(
                    handle -> {
                      outbox.add(handle, () -> event("never"));
                      throw new IllegalStateException("it did not happen");
                    }))
        .hasMessage("it did not happen");

    relay.relayAll();

    assertThat(topic.published).isEmpty();
  }

  @Test
  void anEventIsWhatWasAdded() {
    OutboxEvent added =
        new OutboxEvent(
            UUID.randomUUID(),
            "book.read",
            "Middlemarch",
            "t",
            Instant.parse("2026-11-28T10:15:30.123456Z"),
            "{\"text\":\"naïve ’quotes’ 🙂\"}");
    jdbi.useTransaction(handle -> outbox.add(handle, () -> added));
    List<OutboxEvent> seen = new ArrayList<>();

    var unused =
        outbox.passOn(
            10,
            events -> {
              seen.addAll(events);
              return Map.of();
            });

    assertThat(seen).containsExactly(added);
  }

  @Test
  void nothingIsLostWhileTheTopicIsAway() {
    happens("1");
    happens("2");
    topic.verdict =
        event -> {
          throw new TopicAwayException("it sleeps", new IllegalStateException());
        };
    assertThatThrownBy(relay::relayAll).isInstanceOf(TopicAwayException.class);
    assertThat(gauge("waiting")).isEqualTo(2);
    happens("3");

    topic.verdict = event -> "";
    relay.relayAll();

    assertThat(topic.published).containsExactly("1", "2", "3");
    assertThat(gauge("waiting")).isZero();
  }

  @Test
  void anEventThatIsRefusedForGoodStaysAndKeepsNobodyUp() {
    List.of("1", "too large", "3").forEach(this::happens);
    topic.verdict = event -> event.json().equals("too large") ? "too large" : "";

    relay.relayAll();
    relay.relayAll();

    assertThat(topic.published).containsExactly("1", "3");
    assertThat(gauge("waiting")).isZero();
    assertThat(gauge("refused")).isEqualTo(1);
    assertThat(
            jdbi.<List<String>, RuntimeException>withHandle(
                handle ->
                    handle
                        .createQuery("select body || ': ' || refusal from outbox")
                        .mapTo(String.class)
                        .list()))
        .containsExactly("too large: too large");
  }

  @Test
  void whileOneProcessPublishesAnotherFindsNothing() {
    happens("1");
    List<Integer> foundByTheOther = new ArrayList<>();

    PostgresOutbox.Passed passed =
        outbox.passOn(
            10,
            events -> {
              foundByTheOther.add(
                  CompletableFuture.supplyAsync(() -> outbox.passOn(10, topic::publish).found())
                      .join());
              return topic.publish(events);
            });

    assertThat(passed.found()).isEqualTo(1);
    assertThat(foundByTheOther).containsExactly(0);
    assertThat(topic.published).containsExactly("1");
  }

  @Test
  void anotherServicesPublishingStopsNobody() {
    Jdbi upstairs = postgres.schema("attic").jdbi();
    PostgresOutbox attic = new PostgresOutbox(upstairs);
    upstairs.useTransaction(handle -> attic.add(handle, () -> event("2")));
    happens("1");
    List<Integer> foundHere = new ArrayList<>();

    var unused =
        attic.passOn(
            10,
            events -> {
              foundHere.add(
                  CompletableFuture.supplyAsync(() -> outbox.passOn(10, topic::publish).found())
                      .join());
              return Map.of();
            });

    assertThat(foundHere).containsExactly(1);
  }

  @Test
  void theRelayPublishesOnceItIsStartedAndAgainWhenTheTopicIsBack() throws InterruptedException {
    happens("1");
    CountDownLatch tried = new CountDownLatch(2);
    topic.verdict =
        event -> {
          tried.countDown();
          throw new TopicAwayException("it sleeps", new IllegalStateException());
        };
    relay.start(Duration.ofMillis(1));
    tried.await();
    CountDownLatch told = new CountDownLatch(1);
    topic.verdict =
        event -> {
          told.countDown();
          return "";
        };

    told.await();
    relay.close();

    assertThat(topic.published).containsExactly("1");
  }

  @Test
  void aRelayThatStumblesGoesOn() throws InterruptedException {
    happens("1");
    CountDownLatch told = new CountDownLatch(2);
    topic.verdict =
        event -> {
          told.countDown();
          if (told.getCount() > 0) {
            throw new StackOverflowError("a bug");
          }
          return "";
        };

    relay.start(Duration.ofMillis(1));
    told.await();
    relay.close();

    assertThat(topic.published).containsExactly("1");
  }

  @Test
  void nobodyIsAskedForAnEventThatNobodyWants() {
    jdbi.useTransaction(
        handle ->
            Outbox.none()
                .add(
                    handle,
                    () -> {
                      throw new AssertionError("nobody wants it");
                    }));
    assertThat(outbox.counts().waiting()).isZero();
  }
}
