package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.outbox.KafkaTopic;
import io.ballast.kit.telemetry.TelemetrySettings;
import io.ballast.kit.telemetry.TelemetrySettings.Histograms;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What others are told, and where telemetry goes: defaults, names and ranges. */
class OutwardConfigTest {
  private static final Map<String, String> WITH_KAFKA =
      Map.of("events.kafka.servers", "kafka:9092");

  private static MeshConfig with(String name, String value) {
    Map<String, String> values = new HashMap<>(WITH_KAFKA);
    values.put(name, value);
    return GivenProperties.config(values);
  }

  @Test
  void nobodyIsToldUnlessAKafkaIsNamed() {
    assertThat(GivenProperties.config(Map.of()).events()).isEmpty();
    assertThat(GivenProperties.config(Map.of("events.kafka.topic", "mesh")).events()).isEmpty();
  }

  @Test
  void defaultsOfEvents() {
    assertThat(GivenProperties.config(WITH_KAFKA).events())
        .contains(
            new MeshConfig.Events(
                new KafkaTopic.Settings(
                    "kafka:9092", "ballast.events", Duration.ofSeconds(10), Map.of()),
                Duration.ofMillis(500)));
  }

  @Test
  void everyPropertyOfEventsReachesItsField() {
    MeshConfig config =
        GivenProperties.config(
            Map.of(
                "events.kafka.servers", "kafka-1:9092,kafka-2:9093",
                "events.kafka.topic", "mesh",
                "events.kafka.patience", "PT3S",
                "events.kafka.properties.\"security.protocol\"", "SSL",
                "events.interval", "PT0.25S"));

    assertThat(config.events())
        .contains(
            new MeshConfig.Events(
                new KafkaTopic.Settings(
                    "kafka-1:9092,kafka-2:9093",
                    "mesh",
                    Duration.ofSeconds(3),
                    Map.of("security.protocol", "SSL")),
                Duration.ofMillis(250)));
  }

  @ParameterizedTest
  @CsvSource({
    "events.interval, PT0S, above 0",
    "events.interval, PT-1S, above 0",
    "events.kafka.patience, PT0S, PT0.001S to 24 days",
    "events.kafka.patience, P25D, PT0.001S to 24 days",
    "telemetry.metrics-interval, PT0S, PT1S to PT1H",
    "telemetry.otlp-endpoint, collector:4317, http://host:port",
    "telemetry.sampled-ratio, 1.5, 0 to 1",
    "telemetry.recent-spans, -1, ≥ 0",
  })
  void whatIsOutOfItsRangeIsNamed(String name, String value, String expected) {
    assertThatThrownBy(() -> with(name, value))
        .hasMessageContaining("ballast." + name + ": ")
        .hasMessageContaining(expected);
  }

  @Test
  void aTopicHasAName() {
    KafkaTopic.Settings nameless =
        new KafkaTopic.Settings("kafka:9092", " ", Duration.ofSeconds(1), Map.of());
    assertThatThrownBy(() -> new MeshConfig.Events(nameless, Duration.ofSeconds(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.events.kafka.topic: blank (expected: a name)");
  }

  @Test
  void telemetryByDefaultAndAsGiven() {
    assertThat(GivenProperties.config(Map.of()).telemetry())
        .isEqualTo(
            new TelemetrySettings("ballast", Optional.empty(), 1, 1_024, Duration.ofSeconds(15)));
    assertThat(
            GivenProperties.config(
                    Map.of(
                        "roles", "safety",
                        "telemetry.otlp-endpoint", "http://collector:4317",
                        "telemetry.sampled-ratio", "0.25",
                        "telemetry.recent-spans", "8",
                        "telemetry.metrics-interval", "PT1M",
                        "telemetry.histograms", "explicit"))
                .telemetry())
        .isEqualTo(
            new TelemetrySettings(
                "safety-server",
                Optional.of("http://collector:4317"),
                0.25,
                8,
                Duration.ofMinutes(1),
                Histograms.EXPLICIT));
  }
}
