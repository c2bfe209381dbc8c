package io.ballast.safety.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.triton.ScoringPlace;
import io.ballast.kit.batching.QueueLimits;
import io.ballast.kit.shadow.ShadowTarget;
import io.ballast.rl.gate.UtilityRule;
import io.ballast.safety.config.SafetyConfig.CertificateSettings;
import io.ballast.safety.config.SafetyConfig.PeerTimeouts;
import io.ballast.safety.core.canary.CanarySettings;
import io.ballast.safety.core.canary.WhenHeld;
import io.ballast.safety.core.cost.CostSettings;
import io.ballast.safety.core.cost.ItemLimits;
import io.ballast.safety.core.gate.GateChoice;
import io.ballast.safety.core.gate.GateSettings;
import io.ballast.safety.core.gatefit.DriftSettings;
import io.ballast.safety.core.safetytest.TestSettings;
import io.ballast.safety.testing.TestSafety;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every default, and that every property has its effect. */
class SafetyPropertiesTest {
  private static final SafetyConfig DEFAULTS =
      new SafetyConfig(
          new CostSettings("java-cost", "1", 0.5, Duration.ofSeconds(60), Duration.ofMillis(20)),
          new ItemLimits(4_096, 65_536, 96),
          new QueueLimits(
              512, Duration.ofMillis(1), 2_000_000, Runtime.getRuntime().availableProcessors()),
          1,
          new GateSettings(
              new GateChoice("java-gate-context", "1"),
              new GateChoice("java-gate-suggestion", "1"),
              65_536,
              false,
              Map.of()),
          new TestSettings(
              1,
              24,
              65_536,
              32,
              2,
              8,
              8,
              Duration.ofSeconds(1),
              Duration.ofSeconds(1),
              Duration.ofMillis(250)),
          new PeerTimeouts(Duration.ofSeconds(60), Duration.ofSeconds(5)),
          new CertificateSettings(
              Optional.empty(), Duration.ofDays(7), Duration.ofMinutes(1), Duration.ofMinutes(5)),
          new CanarySettings(
              true,
              Duration.ofSeconds(10),
              0.05,
              OptionalDouble.empty(),
              0.05,
              100,
              Duration.ofDays(1),
              WhenHeld.REPORT,
              Duration.ofMinutes(5),
              Duration.ofMinutes(15)),
          new DriftSettings(Duration.ZERO, Duration.ofDays(28), 0.05),
          new ScoringPlace(
              List.of(),
              List.of(),
              Map.of(),
              false,
              Optional.empty(),
              Optional.empty(),
              Optional.empty(),
              Duration.ofSeconds(10),
              8,
              4_096),
          Optional.empty(),
          Optional.empty());

  @Test
  void defaults() {
    assertThat(TestSafety.config(Map.of())).isEqualTo(DEFAULTS);
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> all = new HashMap<>();
    all.put("cost-model", "other");
    all.put("cost-version", "7");
    all.put("display-threshold", "0.25");
    all.put("serving-file", "serving");
    all.put("shadow", "java-cost/2@0.5");
    all.put("model-timeout", "PT2S");
    all.put("deadline-reserve", "PT3S");
    all.put("max-items", "4");
    all.put("max-text-bytes", "500");
    all.put("max-prompt-tokens", "6");
    all.put("batch-tokens", "8");
    all.put("batch-wait", "PT9S");
    all.put("queued-tokens", "10");
    all.put("workers", "11");
    all.put("threads", "12");
    all.put("context-gate", "g1");
    all.put("context-gate-version", "13");
    all.put("suggestion-gate", "g2");
    all.put("suggestion-gate-version", "14");
    all.put("gate-explains", "true");
    all.put("utility.acme.verification", "PT2S");
    all.put("utility.acme.waiting", "PT0.5S");
    all.put("utility.acme.writing", "PT9S");
    all.put("utility.acme.editing", "PT1.5S");
    all.put("test-temperature", "0.75");
    all.put("test-max-new-tokens", "15");
    all.put("test-chunk", "16");
    all.put("concurrent-tests", "17");
    all.put("test-attempts", "18");
    all.put("test-returns", "29");
    all.put("test-pause", "PT19S");
    all.put("sample-timeout", "PT20S");
    all.put("version-timeout", "PT21S");
    all.put("wait-interval", "PT22S");
    all.put("wait-reserve", "PT23S");
    all.put("signing-keys", "keys");
    all.put("certificate-validity", "PT27S");
    all.put("redemption-validity", "PT28S");
    all.put("clock-skew", "PT30S");

    all.put("canary.watch", "false");
    all.put("canary.interval", "PT31S");
    all.put("canary.alpha", "0.01");
    all.put("canary.cost-limit", "0.125");
    all.put("canary.accept-margin", "0.25");
    all.put("canary.least-decisions", "32");
    all.put("canary.horizon", "PT33S");
    all.put("canary.when-held", "COMPLETE");
    all.put("canary.feedback-wait", "PT34S");
    all.put("canary.max-blind", "PT35S");

    all.put("drift.interval", "PT36S");
    all.put("drift.window", "PT37S");
    all.put("drift.alpha", "0.125");

    all.put("triton.targets", "one:1,two:2");
    all.put("triton.models", "a,b");
    all.put("triton.served-models.a", "there");
    all.put("triton.tls", "true");
    all.put("triton.trusted-file", "ca.pem");
    all.put("triton.token-variable", "TOKEN");
    all.put("triton.timeout", "PT24S");
    all.put("triton.in-flight", "25");
    all.put("triton.batch-tokens", "26");

    assertThat(TestSafety.config(all))
        .isEqualTo(
            new SafetyConfig(
                new CostSettings("other", "7", 0.25, Duration.ofSeconds(2), Duration.ofSeconds(3)),
                new ItemLimits(4, 500, 6),
                new QueueLimits(8, Duration.ofSeconds(9), 10, 11),
                12,
                new GateSettings(
                    new GateChoice("g1", "13"),
                    new GateChoice("g2", "14"),
                    500,
                    true,
                    Map.of("acme", new UtilityRule(2, 0.5, 9, 1.5))),
                new TestSettings(
                    0.75,
                    15,
                    500,
                    16,
                    17,
                    18,
                    29,
                    Duration.ofSeconds(19),
                    Duration.ofSeconds(22),
                    Duration.ofSeconds(23)),
                new PeerTimeouts(Duration.ofSeconds(20), Duration.ofSeconds(21)),
                new CertificateSettings(
                    Optional.of(Path.of("keys")),
                    Duration.ofSeconds(27),
                    Duration.ofSeconds(28),
                    Duration.ofSeconds(30)),
                new CanarySettings(
                    false,
                    Duration.ofSeconds(31),
                    0.01,
                    OptionalDouble.of(0.125),
                    0.25,
                    32,
                    Duration.ofSeconds(33),
                    WhenHeld.COMPLETE,
                    Duration.ofSeconds(34),
                    Duration.ofSeconds(35)),
                new DriftSettings(Duration.ofSeconds(36), Duration.ofSeconds(37), 0.125),
                new ScoringPlace(
                    List.of("one:1", "two:2"),
                    List.of("a", "b"),
                    Map.of("a", "there"),
                    true,
                    Optional.of(Path.of("ca.pem")),
                    Optional.empty(),
                    Optional.of("TOKEN"),
                    Duration.ofSeconds(24),
                    25,
                    26),
                Optional.of(new ShadowTarget("java-cost", "2", 0.5)),
                Optional.of(Path.of("serving"))));
    assertThat(TestSafety.config(Map.of("triton.token-file", "token")).triton().tokenFile())
        .contains(Path.of("token"));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "triton.targets | gpu | triton.targets: gpu (expected: host:port)",
        "triton.in-flight | 0 | triton.in-flight: 0 (expected: 1 to 256)",
        "cost-model | ../x | cost-model: '../x' (expected: letters, digits, '.', '_', '-'; at most 128)",
        "suggestion-gate-version | .. | suggestion-gate-version: '..' (expected: letters, digits, '.', '_', '-'; at most 128)",
        "display-threshold | 1.5 | display-threshold: 1.5 (expected: 0 to 1)",
        "model-timeout | PT0S | model-timeout: PT0S (expected: > 0)",
        "deadline-reserve | PT-1S | deadline-reserve: PT-1S (expected: ≥ 0)",
        "max-items | 4097 | max-items: 4097 (expected: 1 to 4,096)",
        "max-text-bytes | 0 | max-text-bytes: 0 (expected: 1 to 1,048,576)",
        "max-prompt-tokens | -1 | max-prompt-tokens: -1 (expected: ≥ 0; 0 means as many as fit)",
        "batch-tokens | 0 | batch-tokens: 0 (expected: ≥ 1)",
        "batch-wait | PT-1S | batch-wait: PT-1S (expected: ≥ 0)",
        "queued-tokens | 0 | queued-tokens: 0 (expected: ≥ 1)",
        "workers | 0 | workers: 0 (expected: ≥ 1)",
        "threads | 0 | threads: 0 (expected: ≥ 1)",
        "shadow | a/1@0 | shadow: 0.0 (expected: a share above 0, at most 1)",
        "test-temperature | 11 | test-temperature: 11.0 (expected: 0, or 0.01 to 10)",
        "test-max-new-tokens | 0 | test-max-new-tokens: 0 (expected: 1 to 4,096)",
        "test-chunk | 1025 | test-chunk: 1025 (expected: 1 to 1,024)",
        "concurrent-tests | 0 | concurrent-tests: 0 (expected: ≥ 1)",
        "test-attempts | 0 | test-attempts: 0 (expected: ≥ 1)",
        "test-returns | -1 | test-returns: -1 (expected: ≥ 0)",
        "test-pause | PT0S | test-pause: PT0S (expected: > 0)",
        "sample-timeout | PT0S | sample-timeout: PT0S (expected: > 0)",
        "version-timeout | PT0S | version-timeout: PT0S (expected: > 0)",
        "certificate-validity | PT0S | certificate-validity: PT0S (expected: > 0)",
        "redemption-validity | PT0S | redemption-validity: PT0S (expected: > 0)",
        "clock-skew | PT-1S | clock-skew: PT-1S (expected: ≥ 0)",
        "canary.interval | PT0S | canary.interval: PT0S (expected: > 0)",
        "canary.alpha | 0 | canary.alpha: 0.0 (expected: above 0, below 1)",
        "canary.cost-limit | 1 | canary.cost-limit: 1.0 (expected: 0 to below 1)",
        "canary.accept-margin | -0.1 | canary.accept-margin: -0.1 (expected: 0 to below 1)",
        "canary.least-decisions | 0 | canary.least-decisions: 0 (expected: ≥ 1)",
        "canary.horizon | PT0S | canary.horizon: PT0S (expected: > 0)",
        "canary.feedback-wait | P367D | canary.feedback-wait: PT8808H (expected: 0 to 366 days)",
        "canary.max-blind | PT0S | canary.max-blind: PT0S (expected: > 0)",
        "wait-interval | PT0S | wait-interval: PT0S (expected: > 0)",
        "wait-reserve | PT-1S | wait-reserve: PT-1S (expected: ≥ 0)"
      })
  void aValueOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> TestSafety.config(Map.of(property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.safety." + message);
  }
}
