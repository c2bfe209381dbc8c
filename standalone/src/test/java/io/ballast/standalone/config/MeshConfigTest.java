package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.kit.runtime.Role;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.Map;
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
