package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.process.MeshProcess;
import io.smallrye.config.PropertiesConfigSource;
import io.smallrye.config.SmallRyeConfigBuilder;
import java.io.IOException;
import java.io.InputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** Where the HTTP port listens, and what it takes, unless somebody says otherwise. */
class HttpDefaultsTest {
  @Test
  void connectionsAreBoundedFromTheFirstByteOn() throws IOException {
    assertThat(defaults())
        .containsEntry("quarkus.http.limits.max-connections", "1024")
        .containsEntry("quarkus.http.idle-timeout", "2M")
        .containsEntry("quarkus.http.http2", "false");
  }

  @Test
  void itListensWhereGrpcDoes() throws IOException {
    assertThat(host(Map.of()))
        .isEqualTo(GivenProperties.config(Map.of()).server().host())
        .isEqualTo("127.0.0.1");
    assertThat(host(Map.of("ballast.host", "10.0.0.7"))).isEqualTo("10.0.0.7");
  }

  /** The address of HTTP, where the process is given these properties. */
  private static String host(Map<String, String> given) throws IOException {
    return new SmallRyeConfigBuilder()
        .addDefaultInterceptors()
        .withSources(
            new PropertiesConfigSource(defaults(), "defaults", 100),
            new PropertiesConfigSource(given, "given", 200))
        .build()
        .getValue("quarkus.http.host", String.class);
  }

  private static Map<String, String> defaults() throws IOException {
    Properties properties = new Properties();
    try (InputStream file =
        Objects.requireNonNull(MeshProcess.class.getResourceAsStream("/application.properties"))) {
      properties.load(file);
    }
    Map<String, String> texts = new HashMap<>();
    for (String name : properties.stringPropertyNames()) {
      texts.put(name, properties.getProperty(name, ""));
    }
    return texts;
  }
}
