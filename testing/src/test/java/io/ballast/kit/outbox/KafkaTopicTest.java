package io.ballast.kit.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.testing.KafkaBroker;
import io.cloudevents.CloudEvent;
import io.cloudevents.SpecVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Of a real Kafka, which any reader of CloudEvents understands. */
class KafkaTopicTest {
  private static final Duration LONG = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static KafkaBroker broker;

  @BeforeAll
  static void start() throws IOException {
    broker = KafkaBroker.start(folder);
  }

  @AfterAll
  static void stop() {
    broker.close();
  }

  private static KafkaTopic topic(String name, Duration patience) {
    return new KafkaTopic(
        new KafkaTopic.Settings(broker.address(), name, patience, Map.of()), "orchestrator");
  }

  private static OutboxEvent event(String subject, String json) {
    return new OutboxEvent(
        UUID.randomUUID(), "io.ballast.run.created", subject, "tenant", Instant.EPOCH, json);
  }

  private static String data(ConsumerRecord<String, CloudEvent> record) {
    return new String(
        Objects.requireNonNull(record.value().getData()).toBytes(), StandardCharsets.UTF_8);
  }

  @Test
  void aRecordIsACloudEventUnderItsSubject() throws Exception {
    broker.create("events", Map.of());
    OutboxEvent sent = event("run 1", "{\"name\":\"naïve\"}");
    try (KafkaTopic topic = topic("events", LONG)) {
      assertThat(topic.publish(List.of(sent))).isEmpty();
    }

    ConsumerRecord<String, CloudEvent> record = broker.read("events", 1).getFirst();

    assertThat(record.key()).isEqualTo("run 1");
    CloudEvent read = record.value();
    assertThat(read.getSpecVersion()).isEqualTo(SpecVersion.V1);
    assertThat(read.getId()).isEqualTo(sent.id().toString());
    assertThat(read.getType()).isEqualTo("io.ballast.run.created");
    assertThat(read.getSource()).hasToString("/ballast/orchestrator");
    assertThat(read.getSubject()).isEqualTo("run 1");
    assertThat(read.getTime()).isEqualTo(Instant.EPOCH.atOffset(ZoneOffset.UTC));
    assertThat(read.getExtension("tenant")).isEqualTo("tenant");
    assertThat(read.getDataContentType()).isEqualTo("application/json");
    assertThat(data(record)).isEqualTo("{\"name\":\"naïve\"}");
  }

  @Test
  void oneThatIsTooLargeIsRefusedAlone() throws Exception {
    broker.create("small", Map.of("max.message.bytes", "1000"));
    OutboxEvent large = event("b", "x".repeat(2_000));
    try (KafkaTopic topic = topic("small", LONG)) {
      Map<UUID, String> refused =
          topic.publish(List.of(event("a", "1"), large, event("b", "2"), event("c", "3")));

      assertThat(refused).containsOnlyKeys(large.id());
      assertThat(refused.get(large.id())).contains("larger than the max message size");
    }
    assertThat(broker.read("small", 3).stream().map(KafkaTopicTest::data))
        .containsExactlyInAnyOrder("1", "2", "3");
  }

  @Test
  void eventsOfASubjectKeepTheirOrder() throws Exception {
    broker.create("ordered", Map.of());
    try (KafkaTopic topic = topic("ordered", LONG)) {
      var unused =
          topic.publish(
              List.of(event("a", "a1"), event("b", "b1"), event("a", "a2"), event("a", "a3")));
    }
    assertThat(broker.read("ordered", 4).stream().map(KafkaTopicTest::data))
        .containsSubsequence("a1", "a2", "a3")
        .contains("b1");
  }

  /** One wait tells it: each of the other events would wait as long. */
  @Test
  void aTopicThatIsNotThereIsAwayAndSaysSoOnce() {
    List<OutboxEvent> hours =
        IntStream.range(0, 10_000).mapToObj(each -> event("s" + each, "1")).toList();
    try (KafkaTopic topic = topic("nowhere", Duration.ofSeconds(2))) {
      assertThatThrownBy(() -> topic.publish(hours))
          .isInstanceOf(TopicAwayException.class)
          .hasMessageStartingWith(
              "Kafka at %s takes nothing in topic nowhere: ".formatted(broker.address()));
    }
  }

  @Test
  void aBrokerThatComesBackIsUsedAgain() throws Exception {
    broker.create("restarted", Map.of());
    try (KafkaTopic topic = topic("restarted", Duration.ofSeconds(2))) {
      assertThat(topic.publish(List.of(event("a", "1")))).isEmpty();
      broker.stop();
      List<OutboxEvent> second = List.of(event("a", "2"));
      assertThatThrownBy(() -> topic.publish(second)).isInstanceOf(TopicAwayException.class);

      broker.startAgain();

      while (true) {
        try {
          assertThat(topic.publish(second)).isEmpty();
          break;
        } catch (TopicAwayException stillStarting) {
          assertThat(stillStarting).hasMessageContaining("restarted");
        }
      }
    }
    assertThat(broker.read("restarted", 2).stream().map(KafkaTopicTest::data))
        .startsWith("1")
        .endsWith("2");
  }

  @Test
  void settingsThatKafkaDoesNotTakeAreNamed() {
    assertThatThrownBy(
            () ->
                new KafkaTopic(
                    new KafkaTopic.Settings("no port", "events", LONG, Map.of()), "orchestrator"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ballast.events.kafka: ")
        .hasMessageContaining("no port");
    assertThatThrownBy(
            () ->
                new KafkaTopic(
                    new KafkaTopic.Settings(
                        broker.address(), "events", LONG, Map.of("compression.type", "zip")),
                    "orchestrator"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("compression.type");
  }
}
