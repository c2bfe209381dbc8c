package io.ballast.orchestrator.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.orchestrator.core.learner.LearnerLimits;
import io.ballast.orchestrator.core.peer.Patience;
import io.ballast.orchestrator.testing.TestMesh;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every property has a default, reaches its field, and is refused out of its range by name. */
class OrchestratorPropertiesTest {
  @Test
  void defaults() {
    assertThat(config(Map.of()))
        .isEqualTo(
            new OrchestratorConfig(
                1,
                100,
                2_560,
                2,
                true,
                new Patience.Limits(
                    Duration.ofMinutes(5), Duration.ofMillis(200), Duration.ofSeconds(10)),
                60,
                Duration.ofSeconds(60),
                Duration.ofSeconds(30),
                Duration.ofSeconds(1),
                Duration.ofSeconds(5),
                Optional.empty(),
                Optional.empty(),
                DecoderArithmetic.AUTO,
                new LearnerLimits(3, 2, 3L << 30, 0.7, 64, 64, Duration.ofHours(1))));
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> all = new HashMap<>();
    all.put("concurrent-runs", "3");
    all.put("runs-per-tenant", "15");
    all.put("tokens-per-pass", "100");
    all.put("training-lanes", "14");
    all.put("rollouts-in-memory", "false");
    all.put("peer-patience", "PT1M");
    all.put("retry-first-wait", "PT1S");
    all.put("retry-longest-wait", "PT2S");
    all.put("retry-budget", "4");
    all.put("peer-timeout", "PT5S");
    all.put("test-wait", "PT6S");
    all.put("watch-interval", "PT7S");
    all.put("sweep-interval", "PT8S");
    all.put("prompt-retention", "P18D");
    all.put("tensorboard.folder", "events");
    all.put("arithmetic", "FLOAT32");
    all.put("learner-sessions", "9");
    all.put("learner-sessions-per-tenant", "16");
    all.put("learner-memory-bytes", "10");
    all.put("learner-memory-share-per-tenant", "0.17");
    all.put("learner-queue", "11");
    all.put("learner-sample-window", "12");
    all.put("learner-idle-timeout", "PT13S");

    assertThat(config(all))
        .isEqualTo(
            new OrchestratorConfig(
                3,
                15,
                100,
                14,
                false,
                new Patience.Limits(
                    Duration.ofMinutes(1), Duration.ofSeconds(1), Duration.ofSeconds(2)),
                4,
                Duration.ofSeconds(5),
                Duration.ofSeconds(6),
                Duration.ofSeconds(7),
                Duration.ofSeconds(8),
                Optional.of(Duration.ofDays(18)),
                Optional.of(Path.of("events")),
                DecoderArithmetic.FLOAT32,
                new LearnerLimits(9, 16, 10, 0.17, 11, 12, Duration.ofSeconds(13))));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "concurrent-runs | 0 | concurrent-runs: 0 (expected: ≥ 1)",
        "runs-per-tenant | 0 | runs-per-tenant: 0 (expected: ≥ 1)",
        "tokens-per-pass | 63 | tokens-per-pass: 63 (expected: ≥ 64)",
        "training-lanes | 0 | training-lanes: 0 (expected: ≥ 1)",
        "peer-patience | PT-1S | peer-patience: PT-1S (expected: ≥ 0)",
        "retry-first-wait | PT0S | retry-first-wait: PT0S (expected: > 0)",
        "retry-longest-wait | PT0.1S | retry-longest-wait: PT0.1S (expected: ≥ retry-first-wait)",
        "retry-budget | 0 | retry-budget: 0 (expected: ≥ 1)",
        "peer-timeout | PT0S | peer-timeout: PT0S (expected: > 0)",
        "test-wait | PT0S | test-wait: PT0S (expected: > 0)",
        "watch-interval | PT0S | watch-interval: PT0S (expected: > 0)",
        "sweep-interval | PT0S | sweep-interval: PT0S (expected: > 0)",
        "prompt-retention | PT-1S | prompt-retention: PT-1S (expected: ≥ 0)",
        "learner-sessions | 0 | learner-sessions: 0 (expected: ≥ 1)",
        "learner-memory-bytes | 0 | learner-memory-bytes: 0 (expected: > 0)",
        "learner-sessions-per-tenant | 0 | learner-sessions-per-tenant: 0 (expected: ≥ 1)",
        "learner-memory-share-per-tenant | 0 | learner-memory-share-per-tenant: 0.0 (expected: > 0 and ≤ 1)",
        "learner-memory-share-per-tenant | 1.1 | learner-memory-share-per-tenant: 1.1 (expected: > 0 and ≤ 1)",
        "learner-memory-share-per-tenant | NaN | learner-memory-share-per-tenant: NaN (expected: > 0 and ≤ 1)",
        "learner-queue | 0 | learner-queue: 0 (expected: ≥ 1)",
        "learner-sample-window | 257 | learner-sample-window: 257 (expected: 1 to 256)",
        "learner-idle-timeout | PT0S | learner-idle-timeout: PT0S (expected: > 0)"
      })
  void aValueOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> config(Map.of(property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.orchestrator." + message);
  }

  private static OrchestratorConfig config(Map<String, String> values) {
    return OrchestratorConfig.from(TestMesh.properties(values));
  }
}
