package io.ballast.kit.outbox;

import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.kafka.CloudEventSerializer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.CorruptRecordException;
import org.apache.kafka.common.errors.RecordBatchTooLargeException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.SerializationException;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A topic in Kafka. Records are CloudEvents 1.0 in Kafka's binary mode: the attributes are headers
 * {@code ce_id}, {@code ce_type}, {@code ce_source}, {@code ce_subject}, {@code ce_time} and {@code
 * ce_tenant}, the value is JSON, the key is the subject. A record counts as published when all
 * in-sync replicas have it.
 */
public final class KafkaTopic implements EventTopic {
  private static final Duration STOP_PATIENCE = Duration.ofSeconds(2);

  private final Settings settings;
  private final URI source;
  private final Producer<String, CloudEvent> producer;

  /**
   * Where the topic is.
   *
   * @param servers {@code host:port} each, with commas between
   * @param topic its name
   * @param patience how long a record may take
   * @param properties of Kafka's producer, such as {@code security.protocol}; those that this class
   *     sets after them, for nothing to be lost or overtaken, are its own
   */
  public record Settings(
      String servers, String topic, Duration patience, Map<String, String> properties) {
    /** Whole milliseconds, as Kafka counts, are an int. */
    private static final Duration LONGEST = Duration.ofMillis(Integer.MAX_VALUE);

    /** Checks the patience. */
    public Settings {
      if (patience.compareTo(Duration.ofMillis(1)) < 0 || patience.compareTo(LONGEST) > 0) {
        throw new IllegalArgumentException(
            "ballast.events.kafka.patience: %s (expected: PT0.001S to 24 days)"
                .formatted(patience));
      }
      properties = Map.copyOf(properties);
    }
  }

  /**
   * Connects in the background; Kafka need not be there yet.
   *
   * @param service whose events they are; they come from {@code /ballast/<service>}
   * @throws IllegalArgumentException if Kafka's producer does not take the settings
   */
  public KafkaTopic(Settings settings, String service) {
    this.settings = settings;
    this.source = URI.create("/ballast/" + service);
    try {
      this.producer = new KafkaProducer<>(properties(settings, service));
    } catch (KafkaException e) {
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IllegalArgumentException("ballast.events.kafka: " + cause.getMessage(), e);
    }
  }

  private static Map<String, Object> properties(Settings settings, String service) {
    Map<String, Object> properties = new HashMap<>();
    int patience = Math.toIntExact(settings.patience().toMillis());
    properties.put(ProducerConfig.CLIENT_ID_CONFIG, "ballast-" + service);
    properties.put(ProducerConfig.REQUEST_TIMEOUT_MS_CONFIG, patience);
    properties.put(ProducerConfig.MAX_BLOCK_MS_CONFIG, patience);
    properties.put(ProducerConfig.DELIVERY_TIMEOUT_MS_CONFIG, patience);
    properties.putAll(settings.properties());
    properties.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, settings.servers());
    properties.put(ProducerConfig.ACKS_CONFIG, "all"); // none is forgotten, and none overtakes
    properties.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
    // a batch that a broker finds too large is split and sent again, without end if its records fit
    // into one: each record goes alone, and fails alone
    properties.put(ProducerConfig.BATCH_SIZE_CONFIG, 0);
    properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
    properties.put(ProducerConfig.KEY_SERIALIZER_CLASS_CONFIG, StringSerializer.class);
    properties.put(ProducerConfig.VALUE_SERIALIZER_CLASS_CONFIG, CloudEventSerializer.class);
    return properties;
  }

  @Override
  public Map<UUID, String> publish(List<OutboxEvent> events) {
    Map<UUID, String> refused = new LinkedHashMap<>();
    List<OutboxEvent> rest = events;
    while (!rest.isEmpty()) { // no event of a subject is sent before the one before it is durable
      Set<String> subjects = new HashSet<>();
      List<OutboxEvent> together = new ArrayList<>();
      List<OutboxEvent> later = new ArrayList<>();
      for (OutboxEvent event : rest) {
        (subjects.add(event.subject()) ? together : later).add(event);
      }
      publishTogether(together, refused);
      rest = later;
    }
    return refused;
  }

  private void publishTogether(List<OutboxEvent> events, Map<UUID, String> refused) {
    Map<UUID, Future<RecordMetadata>> answers = new LinkedHashMap<>();
    for (OutboxEvent event : events) {
      Optional<Future<RecordMetadata>> answer = send(event, refused);
      if (answer.isPresent()) {
        if (answer.get().isDone()) { // as when Kafka is away: not every one waits to learn it
          refusal(answer.get()).ifPresent(reason -> refused.put(event.id(), reason));
        } else {
          answers.put(event.id(), answer.get());
        }
      }
    }
    answers.forEach((id, answer) -> refusal(answer).ifPresent(reason -> refused.put(id, reason)));
  }

  /** Empty if the event cannot be sent at all. */
  private Optional<Future<RecordMetadata>> send(OutboxEvent event, Map<UUID, String> refused) {
    try {
      return Optional.of(producer.send(record(event)));
    } catch (SerializationException | IllegalArgumentException | IllegalStateException e) {
      refused.put(event.id(), String.valueOf(e.getMessage()));
      return Optional.empty();
    } catch (KafkaException e) {
      throw away(e);
    }
  }

  /** Why Kafka will never take a record; empty if it has it. */
  private Optional<String> refusal(Future<RecordMetadata> answer) {
    try {
      var unused = answer.get();
      return Optional.empty();
    } catch (ExecutionException e) {
      Throwable cause = Objects.requireNonNullElse(e.getCause(), e);
      if (isOfTheRecord(cause)) {
        return Optional.of(String.valueOf(cause.getMessage()));
      }
      throw away(cause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw away(e);
    }
  }

  private static boolean isOfTheRecord(Throwable failure) {
    return failure instanceof RecordTooLargeException
        || failure instanceof RecordBatchTooLargeException
        || failure instanceof InvalidRecordException
        || failure instanceof CorruptRecordException;
  }

  private TopicAwayException away(Throwable cause) {
    return new TopicAwayException(
        "Kafka at %s takes nothing in topic %s: %s"
            .formatted(settings.servers(), settings.topic(), cause.getMessage()),
        cause);
  }

  private ProducerRecord<String, CloudEvent> record(OutboxEvent event) {
    CloudEvent told =
        CloudEventBuilder.v1()
            .withId(event.id().toString())
            .withSource(source)
            .withType(event.type())
            .withSubject(event.subject())
            .withTime(event.time().atOffset(ZoneOffset.UTC))
            .withExtension("tenant", event.tenant())
            .withData("application/json", event.json().getBytes(StandardCharsets.UTF_8))
            .build();
    return new ProducerRecord<>(settings.topic(), event.subject(), told);
  }

  @Override
  public void close() {
    producer.close(STOP_PATIENCE);
  }
}
