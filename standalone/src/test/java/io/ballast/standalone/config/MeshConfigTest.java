package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ballast.kit.grpc.MeshServer;
import io.ballast.kit.resilience.BalancingSettings;
import io.ballast.kit.resilience.LimitSettings;
import io.ballast.kit.resilience.PeerSettings;
import io.ballast.kit.runtime.Role;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Which server a process's own calls reach. */
class MeshConfigTest {
  @Test
  void callsStayHereWhereTheRoleIsPlayedAndNobodySaidWhereElseItIs() {
    assertThat(config(Map.of()).calledHere(Role.POLICY_SERVER)).isTrue();
    assertThat(config(Map.of("ballast.roles", "orchestrator")).calledHere(Role.POLICY_SERVER))
        .isFalse();
    MeshConfig another = config(Map.of("ballast.peers.policy", "policy:9000"));
    assertThat(another.calledHere(Role.POLICY_SERVER)).isFalse();
    assertThat(another.calledHere(Role.SAFETY_SERVER)).isTrue();
  }

  @Test
  void defaultsOfLimitsAndPeerCalls() {
    MeshConfig defaults = config(Map.of());
    assertThat(defaults.limits())
        .contains(
            new LimitSettings(
                256,
                8,
                1_024,
                Duration.ofMillis(200),
                Duration.ofSeconds(1),
                Duration.ofSeconds(5)));
    assertThat(defaults.peerCalls()).isEqualTo(PeerSettings.defaults());
    assertThat(defaults.maxCalls()).isEqualTo(1_024);
    assertThat(defaults.maxStreams()).isEqualTo(4_096);
  }

  @Test
  void everyPropertyOfLimitsAndPeerCallsReachesItsField() {
    MeshConfig set =
        config(
            Map.ofEntries(
                Map.entry("ballast.max-calls", "77"),
                Map.entry("ballast.max-streams", "88"),
                Map.entry("ballast.limit.initial", "66"),
                Map.entry("ballast.limit.least", "5"),
                Map.entry("ballast.limit.interactive-wait", "PT1S"),
                Map.entry("ballast.limit.trainer-wait", "PT2S"),
                Map.entry("ballast.limit.batch-wait", "PT3S"),
                Map.entry("ballast.peer-calls.timeout", "PT4S"),
                Map.entry("ballast.peer-calls.max-in-flight", "6"),
                Map.entry("ballast.peer-calls.failure-rate-percent", "7"),
                Map.entry("ballast.peer-calls.sliding-window-calls", "8"),
                Map.entry("ballast.peer-calls.open-duration", "PT9S"),
                Map.entry("ballast.peer-calls.max-message-size", "10"),
                Map.entry("ballast.peer-calls.answer-reserve", "PT11S"),
                Map.entry("ballast.peer-calls.hedging-delay", "PT12S"),
                Map.entry("ballast.peer-calls.ejection-interval", "PT13S"),
                Map.entry("ballast.peer-calls.ejection-time", "PT14S"),
                Map.entry("ballast.peer-calls.slow-start", "PT15S")));
    assertThat(set.maxStreams()).isEqualTo(88);
    assertThat(set.limits())
        .contains(
            new LimitSettings(
                66, 5, 77, Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(3)));
    assertThat(set.peerCalls())
        .isEqualTo(
            new PeerSettings(
                Duration.ofSeconds(4),
                6,
                7,
                8,
                Duration.ofSeconds(9),
                10,
                Duration.ofSeconds(11),
                new BalancingSettings(
                    Optional.of(Duration.ofSeconds(12)),
                    Duration.ofSeconds(13),
                    Duration.ofSeconds(14),
                    Duration.ofSeconds(15))));
    assertThat(config(Map.of("ballast.limit.enabled", "false")).limits()).isEmpty();
    assertThatThrownBy(() -> config(Map.of("ballast.max-streams", "0")))
        .hasMessageContaining("ballast.max-streams: 0 (expected: ≥ 1)");
    // a bound of everything that is lower than the others bounds them too
    assertThat(config(Map.of("ballast.max-calls", "4")).limits().orElseThrow().initial())
        .isEqualTo(4);
  }

  @Test
  void memoryForRequestsGoesByTheLongestMessage() {
    assertThat(config(Map.of()).server().maxHeldBytes())
        .isEqualTo(MeshServer.Options.usualHeldBytes(16 << 20))
        .isGreaterThanOrEqualTo(128 << 20);
    assertThat(config(Map.of("ballast.max-message-size", "128M")).server().maxHeldBytes())
        .isEqualTo(MeshServer.Options.usualHeldBytes(128 << 20))
        .isGreaterThanOrEqualTo(1L << 30);
    assertThat(config(Map.of("ballast.max-held-bytes", "128M")).server().maxHeldBytes())
        .isEqualTo(128 << 20);
    assertThatThrownBy(() -> config(Map.of("ballast.max-held-bytes", "134217727")))
        .hasMessageContaining(
            "ballast.max-held-bytes: 134217727 (expected: at least eight times max-message-size,"
                + " 134,217,728)");
  }

  private static MeshConfig config(Map<String, String> values) {
    return MeshConfig.from(
        new SmallRyeConfigBuilder()
            .addDiscoveredConverters()
            .withMapping(MeshProperties.class)
            .withSources(new PropertiesConfigSource(values, "test", 100))
            .build()
            .getConfigMapping(MeshProperties.class));
  }
}
