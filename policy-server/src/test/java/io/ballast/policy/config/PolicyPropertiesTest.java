package io.ballast.policy.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.inference.api.DecoderArithmetic;
import io.ballast.policy.core.CallLimits;
import io.ballast.policy.core.outage.WhenDatabaseDown;
import io.ballast.policy.core.suggest.PeerPolicy;
import io.ballast.policy.core.suggest.PeerPolicy.WhenDown;
import io.ballast.policy.core.version.CanarySplit;
import io.ballast.policy.core.version.PromotionLimits;
import io.ballast.policy.core.version.RemoteVersion;
import io.ballast.policy.testing.TestMesh;
import io.ballast.rl.bound.BoundMethod;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every property has a default, reaches its field, and is refused out of its range by name. */
class PolicyPropertiesTest {
  private static final PolicyConfig DEFAULTS =
      new PolicyConfig(
          "java-tiny",
          "1",
          new CallLimits(1.0, 24, List.of("\n"), 96, 65_536, 1_024, 16, 64),
          2,
          new PolicyConfig.Engine(
              OptionalLong.empty(), OptionalLong.empty(), DecoderArithmetic.AUTO, false, 2),
          List.of(),
          Optional.empty(),
          new PromotionLimits(0.95, 0.5, 2, Set.of(), Set.of(), true),
          Optional.empty(),
          CanarySplit.Sticky.TENANT,
          32,
          new PolicyConfig.Timeouts(
              Duration.ofMillis(500), Duration.ofSeconds(2), Duration.ofSeconds(10)),
          new PeerPolicy(WhenDown.OPEN, WhenDown.CLOSED),
          Map.of(),
          Duration.ofSeconds(1),
          Duration.ofSeconds(1),
          new PolicyConfig.History(4_096, Duration.ofMinutes(1)),
          Optional.empty(),
          new PolicyConfig.Outage(
              WhenDatabaseDown.Decisions.SPOOL,
              WhenDatabaseDown.Feedback.REFUSE,
              256,
              Duration.ofSeconds(1),
              Duration.ofSeconds(1)));

  @Test
  void defaults() {
    assertThat(config(Map.of())).isEqualTo(DEFAULTS);
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> all = new HashMap<>();
    all.put("default-model", "other");
    all.put("first-version", "9");
    all.put("temperature", "0.5");
    all.put("max-new-tokens", "25");
    all.put("max-prompt-tokens", "97");
    all.put("stop-strings", ";,END");
    all.put("max-prompt-bytes", "1000");
    all.put("max-pinned-versions", "3");
    all.put("memory-mebibytes", "2048");
    all.put("key-value-mebibytes", "256");
    all.put("arithmetic", "FLOAT32");
    all.put("batch-invariant", "true");
    all.put("decode-lanes", "5");
    all.put("remotes.a.model", "big");
    all.put("remotes.a.version", "2");
    all.put("remotes.a.url", "https://host/prefix");
    all.put("remotes.a.folder", "models/big");
    all.put("remotes.a.token-variable", "BIG_TOKEN");
    all.put("remotes.b.model", "large");
    all.put("remotes.b.version", "3");
    all.put("remotes.b.kind", "TENSORRT_LLM");
    all.put("remotes.b.url", "triton:8001");
    all.put("remotes.b.served-model", "its-name");
    all.put("remotes.b.folder", "models/large");
    all.put("remotes.b.context-tokens", "4096");
    all.put("remotes.b.token-file", "secrets/token");
    all.put("remotes.b.tls", "true");
    all.put("remotes.b.drain-streams", "true");
    all.put("remotes.b.timeout", "PT8S");
    all.put("break-glass-token-file", "secrets/break-glass");
    all.put("promotion.max-threshold", "0.25");
    all.put("promotion.max-delta", "0.1");
    all.put("promotion.min-observations", "100");
    all.put("promotion.judges", "java-cost/2,secrets");
    all.put("promotion.bounds", "BETTING,CLOPPER_PEARSON");
    all.put("promotion.same-cost-model", "false");
    all.put("all-tenants-decisions", "true");
    all.put("canary-sticky", "USER");
    all.put("sample-window", "33");
    all.put("gate-timeout", "PT3S");
    all.put("judge-timeout", "PT4S");
    all.put("certificate-timeout", "PT5S");
    all.put("when-gate-down", "CLOSED");
    all.put("when-cost-down", "OPEN");
    all.put("tenants.acme.when-gate-down", "OPEN");
    all.put("tenants.acme.when-cost-down", "CLOSED");
    all.put("alias-refresh", "PT6S");
    all.put("follow-interval", "PT7S");
    all.put("history-users", "34");
    all.put("history-refresh", "PT9S");
    all.put("retention", "P90D");
    all.put("decisions-on-database-down", "DROP");
    all.put("feedback-on-database-down", "SPOOL");
    all.put("spool-mebibytes", "35");
    all.put("database-patience", "PT10S");
    all.put("database-probe", "PT11S");

    assertThat(config(all))
        .isEqualTo(
            new PolicyConfig(
                "other",
                "9",
                new CallLimits(0.5, 25, List.of(";", "END"), 97, 1_000, 1_024, 16, 64),
                3,
                new PolicyConfig.Engine(
                    OptionalLong.of(2_048),
                    OptionalLong.of(256),
                    DecoderArithmetic.FLOAT32,
                    true,
                    5),
                List.of(
                    new RemoteVersion(
                        "big",
                        "2",
                        RemoteVersion.Kind.OPENAI,
                        "https://host/prefix",
                        "big",
                        Path.of("models/big"),
                        OptionalInt.empty(),
                        Optional.empty(),
                        Optional.of("BIG_TOKEN"),
                        false,
                        false,
                        Duration.ofSeconds(60)),
                    new RemoteVersion(
                        "large",
                        "3",
                        RemoteVersion.Kind.TENSORRT_LLM,
                        "triton:8001",
                        "its-name",
                        Path.of("models/large"),
                        OptionalInt.of(4_096),
                        Optional.of(Path.of("secrets/token")),
                        Optional.empty(),
                        true,
                        true,
                        Duration.ofSeconds(8))),
                Optional.of(Path.of("secrets/break-glass")),
                new PromotionLimits(
                    0.25,
                    0.1,
                    100,
                    Set.of("java-cost/2", "secrets"),
                    Set.of(BoundMethod.BETTING, BoundMethod.CLOPPER_PEARSON),
                    false),
                Optional.of(true),
                CanarySplit.Sticky.USER,
                33,
                new PolicyConfig.Timeouts(
                    Duration.ofSeconds(3), Duration.ofSeconds(4), Duration.ofSeconds(5)),
                new PeerPolicy(WhenDown.CLOSED, WhenDown.OPEN),
                Map.of("acme", new PeerPolicy(WhenDown.OPEN, WhenDown.CLOSED)),
                Duration.ofSeconds(6),
                Duration.ofSeconds(7),
                new PolicyConfig.History(34, Duration.ofSeconds(9)),
                Optional.of(Duration.ofDays(90)),
                new PolicyConfig.Outage(
                    WhenDatabaseDown.Decisions.DROP,
                    WhenDatabaseDown.Feedback.SPOOL,
                    35,
                    Duration.ofSeconds(10),
                    Duration.ofSeconds(11))));
  }

  @Test
  void aTenantThatSaysNothingIsTreatedLikeAll() {
    PolicyConfig config = config(Map.of("tenants.acme.when-gate-down", "CLOSED"));

    assertThat(config.policyOf("acme")).isEqualTo(new PeerPolicy(WhenDown.CLOSED, WhenDown.CLOSED));
    assertThat(config.policyOf("other")).isEqualTo(DEFAULTS.peerPolicy());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "temperature | 11 | temperature: 11.0 (expected: 0, or 0.01 to 10)",
        "max-new-tokens | 0 | max-new-tokens: 0 (expected: 1 to 4,096)",
        "max-prompt-tokens | -1 | max-prompt-tokens: -1 (expected: ≥ 0; 0 means as many as fit)",
        "max-prompt-bytes | 65537 | max-prompt-bytes: 65537 (expected: 1 to 65,536)",
        "max-pinned-versions | 0 | max-pinned-versions: 0 (expected: ≥ 1)",
        "decode-lanes | 0 | decode-lanes: 0 (expected: ≥ 1)",
        "memory-mebibytes | 0 | memory-mebibytes: 0 (expected: 1 to 2^40)",
        "key-value-mebibytes | -1 | key-value-mebibytes: -1 (expected: 1 to 2^40)",
        "promotion.max-threshold | 0 | promotion.max-threshold: 0.0 (expected: above 0, at most 1)",
        "promotion.max-delta | 1.1 | promotion.max-delta: 1.1 (expected: above 0, at most 1)",
        "promotion.min-observations | 1 | promotion.min-observations: 1 (expected: ≥ 2)",
        "promotion.judges | secrets,a/1/x | promotion.judges: a/1/x (expected: NAME or"
            + " NAME/VERSION)",
        "sample-window | 0 | sample-window: 0 (expected: ≥ 1)",
        "gate-timeout | PT0S | gate-timeout: PT0S (expected: > 0)",
        "judge-timeout | PT0S | judge-timeout: PT0S (expected: > 0)",
        "certificate-timeout | PT0S | certificate-timeout: PT0S (expected: > 0)",
        "alias-refresh | PT0S | alias-refresh: PT0S (expected: > 0)",
        "follow-interval | PT0S | follow-interval: PT0S (expected: > 0)",
        "history-users | 0 | history-users: 0 (expected: ≥ 1)",
        "history-refresh | PT0S | history-refresh: PT0S (expected: > 0)",
        "retention | PT23H | retention: PT23H (expected: ≥ P1D)",
        "spool-mebibytes | 0 | spool-mebibytes: 0 (expected: 1 to 1,048,576)",
        "database-patience | PT0S | database-patience: PT0S (expected: > 0)",
        "database-probe | PT0S | database-probe: PT0S (expected: > 0)"
      })
  void aValueOutOfItsRangeIsNamed(String property, String value, String message) {
    assertThatThrownBy(() -> config(Map.of(property, value)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.policy." + message);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "url | ftp://host | url: ftp://host (expected: http://host:port or https://…, no user)",
        "url | http://user:secret@host | url: not shown (expected: http://host:port or https://…,"
            + " no user)",
        "kind | VLLM | url: http://host:8000 (expected: host:port)",
        "kind | TENSORRT_LLM | url: http://host:8000 (expected: host:port)",
        "context-tokens | 1 | context-tokens: 1 (expected: ≥ 2)",
        "token-variable | T | token-file: given (expected: not beside token-variable)",
        "timeout | PT0S | timeout: PT0S (expected: > 0)"
      })
  void aRemoteVersionOutOfItsRangeIsNamed(String property, String value, String message) {
    Map<String, String> remote = new HashMap<>();
    remote.put("remotes.a.model", "big");
    remote.put("remotes.a.version", "2");
    remote.put("remotes.a.url", "http://host:8000");
    remote.put("remotes.a.folder", "models/big");
    remote.put("remotes.a.token-file", "secrets/token");
    remote.put("remotes.a." + property, value);

    assertThatThrownBy(() -> config(remote))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.policy.remotes.a." + message);
  }

  private static PolicyConfig config(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast.policy." + name, value));
    return PolicyConfig.from(TestMesh.properties(prefixed));
  }
}
