package io.ballast.standalone.config;

import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.util.HashMap;
import java.util.Map;

/** The process's properties, read as the process reads them. */
public final class GivenProperties {
  private GivenProperties() {}

  /** Reads {@code values}, each named without its {@code ballast.}, beside the defaults. */
  public static MeshConfig config(Map<String, String> values) {
    Map<String, String> prefixed = new HashMap<>();
    values.forEach((name, value) -> prefixed.put("ballast." + name, value));
    return MeshConfig.from(
        new SmallRyeConfigBuilder()
            .addDiscoveredConverters()
            .withMapping(MeshProperties.class)
            .withSources(new PropertiesConfigSource(prefixed, "test", 100))
            .build()
            .getConfigMapping(MeshProperties.class));
  }
}
