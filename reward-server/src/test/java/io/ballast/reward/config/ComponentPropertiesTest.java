package io.ballast.reward.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.reward.component.JavaTestSettings;
import io.ballast.reward.component.JavaTestSettings.Isolation;
import io.ballast.reward.component.RemoteSettings;
import io.ballast.reward.testing.TestReward;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Every property of what components may use has a default, reaches its field, and has a range. */
class ComponentPropertiesTest {
  @Test
  void defaults() {
    assertThat(config(Map.of("remotes.far.target", "judge:9100", "java-tests.enabled", "true")))
        .isEqualTo(
            new ComponentConfig(
                Map.of(
                    "far",
                    new RemoteSettings(
                        "judge:9100",
                        Duration.ofSeconds(10),
                        8,
                        256,
                        Optional.empty(),
                        Optional.empty(),
                        false,
                        Optional.empty())),
                Optional.of(
                    new JavaTestSettings(
                        Isolation.NAMESPACES,
                        Duration.ofSeconds(10),
                        Duration.ofSeconds(60),
                        256,
                        64,
                        Runtime.getRuntime().availableProcessors()))));
    assertThat(config(Map.of())).isEqualTo(new ComponentConfig(Map.of(), Optional.empty()));
  }

  @Test
  void everyPropertyReachesItsField() {
    Map<String, String> all = new HashMap<>();
    all.put("remotes.\"a.b\".target", "https://judge/get_reward");
    all.put("remotes.\"a.b\".timeout", "PT3S");
    all.put("remotes.\"a.b\".in-flight", "4");
    all.put("remotes.\"a.b\".batch-items", "5");
    all.put("remotes.\"a.b\".token-file", "token");
    all.put("remotes.other.target", "judge:1");
    all.put("remotes.other.token-variable", "TOKEN");
    all.put("remotes.other.tls", "true");
    all.put("remotes.other.trusted-file", "ca.pem");
    all.put("java-tests.enabled", "true");
    all.put("java-tests.isolation", "NONE");
    all.put("java-tests.cpu-time", "PT6S");
    all.put("java-tests.time", "PT7S");
    all.put("java-tests.memory-megabytes", "128");
    all.put("java-tests.threads", "100");
    all.put("java-tests.at-once", "9");

    ComponentConfig config = config(all);

    assertThat(config.remotes())
        .containsEntry(
            "a.b",
            new RemoteSettings(
                "https://judge/get_reward",
                Duration.ofSeconds(3),
                4,
                5,
                Optional.of(Path.of("token")),
                Optional.empty(),
                false,
                Optional.empty()));
    assertThat(config.remotes())
        .hasEntrySatisfying(
            "other",
            other -> {
              assertThat(other.tokenVariable()).contains("TOKEN");
              assertThat(other.tls()).isTrue();
              assertThat(other.trustedFile()).contains(Path.of("ca.pem"));
            });
    assertThat(config.javaTests())
        .contains(
            new JavaTestSettings(
                Isolation.NONE, Duration.ofSeconds(6), Duration.ofSeconds(7), 128, 100, 9));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "remotes.x.target | judge | remotes.\"x\".target: judge (expected: http://…, https://… or"
            + " host:port)",
        "remotes.x.target | http://me:secret@judge/ | remotes.\"x\".target: not shown (expected:"
            + " http://…, https://… or host:port)",
        "remotes.\"a b\".target | judge:1 | remotes.\"a b\".target: a RewardService (expected: a"
            + " name of 1 to 64 of A-Z, a-z, 0-9, '.', '_', '-')",
        "java-tests.cpu-time | PT0.5S | java-tests.cpu-time: PT0.5S (expected: whole seconds, ≥ 1"
            + " s)",
        "java-tests.time | PT0S | java-tests.time: PT0S (expected: > 0)",
        "java-tests.memory-megabytes | 63 | java-tests.memory-megabytes: 63 (expected: 64 to"
            + " 65,536)",
        "java-tests.threads | 31 | java-tests.threads: 31 (expected: 32 to 4,096)",
        "java-tests.at-once | 0 | java-tests.at-once: 0 (expected: ≥ 1)",
        "remotes.far.timeout | PT0S | remotes.\"far\".timeout: PT0S (expected: > 0)",
        "remotes.far.in-flight | 257 | remotes.\"far\".in-flight: 257 (expected: 1 to 256)",
        "remotes.far.trusted-file | ca.pem | remotes.\"far\".trusted-file: ca.pem (expected: only"
            + " with tls)",
        "remotes.far.batch-items | 0 | remotes.\"far\".batch-items: 0 (expected: 1 to 4,096)",
      })
  void aValueOutOfItsRangeIsNamed(String property, String value, String message) {
    Map<String, String> all =
        new HashMap<>(Map.of("remotes.far.target", "judge:9100", "java-tests.enabled", "true"));
    all.put(property, value);

    assertThatThrownBy(() -> config(all))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("ballast.reward.components." + message);
  }

  @Test
  void ofAUrlTheSchemeSaysWhetherItIsEncrypted() {
    assertThatThrownBy(
            () -> config(Map.of("remotes.far.target", "http://judge/", "remotes.far.tls", "true")))
        .hasMessage(
            "ballast.reward.components.remotes.\"far\".tls: true (expected: not of a URL: https://"
                + " encrypts)");
  }

  private static ComponentConfig config(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("components." + name, value));
    return TestReward.config(prefixed).components();
  }
}
