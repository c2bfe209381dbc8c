package io.ballast.standalone.process;

import static org.assertj.core.api.Assertions.assertThat;

import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A configuration that differs is told from another, by all that is no secret. */
class ConfigurationDigestTest {
  private static String digest(Map<String, String> properties) {
    return ConfigurationDigest.of(
        new SmallRyeConfigBuilder()
            .withSources(new PropertiesConfigSource(properties, "test", 100))
            .build());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ballast.policy.max-new-tokens",
        "ballast.reward.batch-tokens",
        "ballast.workshop.tokenizer",
        "ballast.policy.break-glass-token-file",
        "ballast.security.jwt.issuer",
        "ballast.events.kafka.topic"
      })
  void whatIsNoSecretIsPartOfIt(String name) {
    assertThat(digest(Map.of(name, "1"))).isNotEqualTo(digest(Map.of(name, "2")));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "ballast.token",
        "ballast.database.password",
        "ballast.database.url",
        "ballast.policy.remotes.big.url",
        "ballast.client.Secret",
        "ballast.events.kafka.properties.\"sasl.jaas.config\"",
        "ballast.events.kafka.properties.\"ssl.keystore.key\"",
        "ballast.events.kafka.properties.sasl.jaas.config"
      })
  void aSecretIsNot(String name) {
    assertThat(digest(Map.of(name, "1"))).isEqualTo(digest(Map.of(name, "2")));
    assertThat(digest(Map.of(name, "1"))).as("that there is one").isNotEqualTo(digest(Map.of()));
  }

  @Test
  void whatIsNotTheMeshsIsNoPartOfIt() {
    assertThat(digest(Map.of("quarkus.http.port", "1"))).isEqualTo(digest(Map.of()));
  }
}
