package io.ballast.testing;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloudevents.CloudEvent;
import io.cloudevents.kafka.CloudEventDeserializer;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import kafka.server.KafkaConfig;
import kafka.server.KafkaRaftServer;
import kafka.tools.StorageTool;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.utils.Time;

/** A real Kafka: one node, broker and controller in one, which can be stopped and started again. */
public final class KafkaBroker implements AutoCloseable {
  private final KafkaConfig config;
  private final String address;
  private KafkaRaftServer server;

  private KafkaBroker(KafkaConfig config, String address) {
    this.config = config;
    this.address = address;
    this.server = new KafkaRaftServer(config, Time.SYSTEM);
    server.startup();
  }

  /** Starts one whose files are in {@code folder}. */
  public static KafkaBroker start(Path folder) throws IOException {
    String address = "127.0.0.1:" + freePort();
    String controller = "127.0.0.1:" + freePort();
    Properties properties = new Properties();
    properties.putAll(
        Map.ofEntries(
            Map.entry("process.roles", "broker,controller"),
            Map.entry("node.id", "1"),
            Map.entry("listeners", "PLAINTEXT://%s,CONTROLLER://%s".formatted(address, controller)),
            Map.entry("advertised.listeners", "PLAINTEXT://" + address),
            Map.entry("controller.listener.names", "CONTROLLER"),
            Map.entry("controller.quorum.voters", "1@" + controller),
            Map.entry("listener.security.protocol.map", "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT"),
            Map.entry("log.dirs", folder.resolve("logs").toString()),
            Map.entry("auto.create.topics.enable", "false"),
            Map.entry("offsets.topic.replication.factor", "1"),
            Map.entry("group.initial.rebalance.delay.ms", "0")));
    Path file = folder.resolve("server.properties");
    try (var out = Files.newOutputStream(file)) {
      properties.store(out, null);
    }
    String[] format = {"format", "-t", Uuid.randomUuid().toString(), "-c", file.toString()};
    try (PrintStream said =
        new PrintStream(folder.resolve("format.log").toFile(), StandardCharsets.UTF_8)) {
      assertThat(StorageTool.execute(format, said)).isZero();
    }
    return new KafkaBroker(KafkaConfig.fromProps(properties), address);
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    }
  }

  /** Where it is reached, {@code host:port}. */
  public String address() {
    return address;
  }

  /** Creates a topic of one partition. */
  public void create(String topic, Map<String, String> settings) throws Exception {
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", address))) {
      admin
          .createTopics(
              List.of(
                  new NewTopic(topic, Optional.of(1), Optional.of((short) 1)).configs(settings)))
          .all()
          .get();
    }
  }

  /** Stops it; what it was given stays. */
  public void stop() {
    server.shutdown();
    server.awaitShutdown();
  }

  /** Starts it where it was, with what it was given. */
  public void startAgain() {
    server = new KafkaRaftServer(config, Time.SYSTEM);
    server.startup();
  }

  /** The first {@code count} records of a topic, as any reader of CloudEvents has them. */
  public List<ConsumerRecord<String, CloudEvent>> read(String topic, int count) {
    Map<String, Object> properties =
        Map.of("bootstrap.servers", address, "auto.offset.reset", "earliest");
    try (KafkaConsumer<String, CloudEvent> consumer =
        new KafkaConsumer<>(properties, new StringDeserializer(), new CloudEventDeserializer())) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      List<ConsumerRecord<String, CloudEvent>> records = new ArrayList<>();
      while (records.size() < count) {
        consumer.poll(Duration.ofMillis(100)).forEach(records::add);
      }
      return records;
    }
  }

  @Override
  public void close() {
    stop();
  }
}
