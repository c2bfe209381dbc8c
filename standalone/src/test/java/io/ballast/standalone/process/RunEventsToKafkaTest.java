package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.protobuf.util.JsonFormat;
import io.ballast.kit.call.ChangeSignal;
import io.ballast.kit.call.PinnedVersion;
import io.ballast.kit.outbox.EventJson;
import io.ballast.kit.outbox.Outbox;
import io.ballast.kit.postgres.Database;
import io.ballast.kit.postgres.Postgres;
import io.ballast.kit.postgres.PostgresSettings;
import io.ballast.kit.runtime.Role;
import io.ballast.orchestrator.adapter.PostgresRunStore;
import io.ballast.orchestrator.adapter.RunEvents;
import io.ballast.orchestrator.core.run.LoopState;
import io.ballast.orchestrator.core.run.PromptSets;
import io.ballast.orchestrator.core.run.Run;
import io.ballast.orchestrator.core.run.RunProgress;
import io.ballast.orchestrator.core.run.RunStore;
import io.ballast.orchestrator.core.spec.GroupedPrompts;
import io.ballast.orchestrator.grpc.RunMapper;
import io.ballast.orchestrator.v1.WatchRunResponse;
import io.ballast.standalone.config.GivenProperties;
import io.ballast.standalone.config.MeshConfig;
import io.ballast.testing.Await;
import io.ballast.testing.KafkaBroker;
import io.ballast.testing.MonitoredMetrics;
import io.cloudevents.CloudEvent;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.opentelemetry.api.OpenTelemetry;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A process told of a Kafka publishes there what its servers commit; another writes no events. */
class RunEventsToKafkaTest {
  private static final String RUN_ID = "0a1b2c3d-0000-4000-8000-000000000000";
  private static final Instant NOW = Instant.EPOCH;

  @TempDir private Path folder = Path.of(".");
  private final SimpleMeterRegistry meters = new SimpleMeterRegistry();
  private Postgres postgres;

  @BeforeEach
  void startPostgres() {
    postgres =
        Postgres.embedded(
            folder.resolve("postgres"),
            folder.resolve("postgres.log"),
            new PostgresSettings(4, Duration.ofSeconds(5)),
            meters);
  }

  @AfterEach
  void stopPostgres() {
    postgres.close();
  }

  private ProcessRuntime runtime(Map<String, String> properties) {
    MeshConfig config = GivenProperties.config(properties);
    return new ProcessRuntime(
        config,
        0,
        new ProcessRuntime.Surroundings(
            meters, OpenTelemetry.noop(), InstantSource.fixed(NOW), System::nanoTime),
        ProcessSecurity.open(config, meters, InstantSource.fixed(NOW)),
        () -> postgres);
  }

  /** A store as the orchestrator has it. */
  private static PostgresRunStore store(Database database, Outbox outbox) {
    return new PostgresRunStore(
        database,
        new ChangeSignal(),
        new RunEvents(
            outbox,
            (run, iteration, first) -> EventJson.of(RunMapper.seen(run, iteration, first)),
            UUID::randomUUID,
            InstantSource.fixed(NOW)));
  }

  private static void create(PostgresRunStore store) {
    Run run =
        new Run(
            RUN_ID,
            "acme",
            "tidy",
            "name: tidy",
            new PinnedVersion("tiny", "1", "ab".repeat(32)),
            3,
            NOW,
            RunProgress.queued());
    var unused =
        store.create(
            new RunStore.NewRun(
                run,
                "",
                "fingerprint",
                new PromptSets(List.of("a"), GroupedPrompts.alone(List.of("b"))),
                LoopState.initial(List.of())));
  }

  @Test
  void aRunThatIsCommittedIsReadFromTheTopic() throws Exception {
    try (KafkaBroker broker = KafkaBroker.start(folder)) {
      broker.create("mesh", Map.of());
      try (ProcessRuntime runtime =
          runtime(
              Map.of(
                  "events.kafka.servers", broker.address(),
                  "events.kafka.topic", "mesh",
                  "events.interval", "PT0.01S"))) {
        Database database = runtime.database("orchestrator");
        create(store(database, runtime.outbox(Role.ORCHESTRATOR, database)));

        ConsumerRecord<String, CloudEvent> record = broker.read("mesh", 1).getFirst();

        assertThat(record.key()).isEqualTo(RUN_ID);
        CloudEvent event = record.value();
        assertThat(event.getType()).isEqualTo("io.ballast.run.created");
        assertThat(event.getSource()).hasToString("/ballast/orchestrator");
        assertThat(event.getExtension("tenant")).isEqualTo("acme");
        WatchRunResponse.Builder told = WatchRunResponse.newBuilder();
        JsonFormat.parser()
            .merge(
                new String(
                    Objects.requireNonNull(event.getData()).toBytes(), StandardCharsets.UTF_8),
                told);
        assertThat(told.getRun().getRunId()).isEqualTo(RUN_ID);
        assertThat(told.getRun().getSpec()).isEqualTo("name: tidy");
        Await.until(() -> events(database) == 0);
        Await.until(() -> published() == 1);
        assertThat(MonitoredMetrics.named(MonitoredMetrics::isOfAnOutbox))
            .isNotEmpty()
            .isSubsetOf(
                meters.getMeters().stream()
                    .map(meter -> meter.getId().getName().replace('.', '_'))
                    .toList());
      }
      Await.until(RunEventsToKafkaTest::relayIsGone);
    }
  }

  @Test
  void whereNoKafkaIsNamedNoEventIsWritten() {
    try (ProcessRuntime runtime = runtime(Map.of())) {
      Database database = runtime.database("orchestrator");
      create(store(database, runtime.outbox(Role.ORCHESTRATOR, database)));

      assertThat(events(database)).isZero();
      assertThat(meters.find("ballast.events.published").counter()).isNull();
    }
  }

  private static boolean relayIsGone() {
    return Thread.getAllStackTraces().keySet().stream()
        .noneMatch(thread -> thread.getName().equals("outbox-orchestrator"));
  }

  private static int events(Database database) {
    return database
        .jdbi()
        .withHandle(
            handle -> handle.createQuery("select count(*) from outbox").mapTo(Integer.class).one());
  }

  private double published() {
    return meters.get("ballast.events.published").tag("service", "orchestrator").counter().count();
  }
}
