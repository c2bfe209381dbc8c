package io.ballast.standalone.config;

import static org.assertj.core.api.Assertions.assertThat;

import io.ballast.standalone.process.MeshProcess;
import java.io.IOException;
import java.io.InputStream;
import java.util.Objects;
import java.util.Properties;
import org.junit.jupiter.api.Test;

/** What the HTTP port may take from a process unless somebody says otherwise. */
class HttpDefaultsTest {
  @Test
  void connectionsAreBoundedFromTheFirstByteOn() throws IOException {
    Properties properties = new Properties();
    try (InputStream file =
        Objects.requireNonNull(MeshProcess.class.getResourceAsStream("/application.properties"))) {
      properties.load(file);
    }

    assertThat(properties)
        .containsEntry("quarkus.http.limits.max-connections", "1024")
        .containsEntry("quarkus.http.idle-timeout", "2M")
        .containsEntry("quarkus.http.http2", "false");
  }
}
